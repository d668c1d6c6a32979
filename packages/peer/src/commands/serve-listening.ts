import { createHalibut } from '@tentacle/halibut'
import type { Command } from '../cli/command.ts'
import { requiredText, thumbprints, wholeNumber } from '../cli/option-values.ts'
import { readCertificateFile } from '../client/certificate-file.ts'
import { certificateOption } from '../client/remote.ts'
import { hostedServices } from '../services/implementations.ts'
import { untilToldToEnd } from './until-told-to-end.ts'

/** `serve-listening`: hosts the test services on a port. */
export const serveListening: Command = {
  name: 'serve-listening',
  summary: 'Hosts the test services on a port until SIGTERM.',
  options: {
    port: { value: 'PORT', help: 'the port to listen on; 0 takes a free one', required: true },
    ...certificateOption,
    trust: { value: 'THUMB[,THUMB]', help: 'who may call', required: true },
  },
  async run(options, io) {
    const port = wholeNumber(options, 'port', { otherwise: 0, minimum: 0, maximum: 65_535 })
    const trust = thumbprints(options, 'trust')
    const certificate = await readCertificateFile(requiredText(options, 'cert'))
    const halibut = createHalibut({ certificate, trust, services: hostedServices() })
    try {
      const listener = await halibut.listen({ port })
      io.out(`READY port=${listener.port} pid=${process.pid}`)
      await untilToldToEnd(io)
      return 0
    } finally {
      await halibut.close()
    }
  },
}
