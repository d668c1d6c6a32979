import { createHalibut } from '@tentacle/halibut'
import type { Command } from '../cli/command.ts'
import {
  polledAddress,
  proxyOf,
  proxyOptions,
  requiredText,
  subscription,
  thumbprints,
  wholeNumber,
} from '../cli/option-values.ts'
import { readCertificateFile } from '../client/certificate-file.ts'
import { PollStarter } from '../client/poll-starter.ts'
import { certificateOption } from '../client/remote.ts'
import { hostedServices } from '../services/implementations.ts'
import { untilToldToEnd } from './until-told-to-end.ts'

/** Shorter pauses than those of a Tentacle: whoever tries peers starts and stops them all the time. */
const reconnectMs = { pollingReconnectMinimumMs: 250, pollingReconnectMaximumMs: 5_000 }

/** `serve-polling`: hosts the test services and collects calls of them from a server. */
export const servePolling: Command = {
  name: 'serve-polling',
  summary: 'Hosts the test services and polls a server for calls until SIGTERM.',
  options: {
    server: {
      value: 'HOST:PORT',
      help: 'the server to poll; wss://HOST:PORT/PATH polls by WebSocket',
      required: true,
    },
    'server-thumb': { value: 'THUMB', help: 'its thumbprint', required: true },
    subscription: { value: 'poll://X', help: 'the name under which calls wait', required: true },
    ...certificateOption,
    connections: { value: 'K', help: 'connections for each subscription; default 1' },
    count: { value: 'N', help: 'poll N subscriptions, poll://X0 to poll://X(N-1), in this process' },
    ...proxyOptions,
  },
  async run(options, io) {
    const baseUri = polledAddress(options, 'server')
    const [thumbprint] = thumbprints(options, 'server-thumb')
    const name = subscription(options)
    const connections = wholeNumber(options, 'connections', { otherwise: 1, maximum: 10_000 })
    const count = wholeNumber(options, 'count', { otherwise: 1, maximum: 100_000 })
    const server = { baseUri, ...(thumbprint && { thumbprint }), ...proxyOf(options) }
    const certificate = await readCertificateFile(requiredText(options, 'cert'))
    const starter = new PollStarter()
    const halibut = createHalibut({
      certificate,
      services: hostedServices(),
      limits: reconnectMs,
      log: () => starter.advance(),
    })
    try {
      const names = options.has('count')
        ? Array.from({ length: count }, (_, index) => `${name}${index}`)
        : [name]
      starter.start(names, each => halibut.poll({ subscription: `${each}/`, server, connections }))
      io.out(
        `READY polling ${name}/ server=${baseUri} connections=${connections} count=${count} pid=${process.pid}`,
      )
      await untilToldToEnd(io)
      return 0
    } finally {
      starter.stop()
      await halibut.close()
    }
  },
}
