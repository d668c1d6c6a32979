import { writeFile } from 'node:fs/promises'
import { createCertificate, writePfx } from '@tentacle/halibut'
import type { Command } from '../cli/command.ts'
import { requiredText } from '../cli/option-values.ts'
import { PeerError } from '../cli/peer-error.ts'
import { readCertificateFile } from '../client/certificate-file.ts'

/** `gen-cert`: a new certificate in a PFX file that only its owner can read. */
export const genCert: Command = {
  name: 'gen-cert',
  summary: 'Makes a certificate and prints its thumbprint.',
  options: {
    out: { value: 'F.pfx', help: 'the file to write', required: true },
    cn: { value: 'NAME', help: 'the common name; default Halibut Peer' },
  },
  async run(options, io) {
    const path = requiredText(options, 'out')
    const certificate = await createCertificate({ commonName: options.get('cn') ?? 'Halibut Peer' })
    try {
      await writeFile(path, writePfx(certificate), { mode: 0o600 })
    } catch (error) {
      throw new PeerError(
        'ERR_FAILED',
        `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        error,
      )
    }
    io.out(certificate.thumbprint)
    return 0
  },
}

/** `thumb`: the thumbprint of a PFX file. */
export const thumb: Command = {
  name: 'thumb',
  summary: 'Prints the thumbprint of a certificate.',
  options: { cert: { value: 'F.pfx', help: 'the file to read', required: true } },
  async run(options, io) {
    io.out((await readCertificateFile(requiredText(options, 'cert'))).thumbprint)
    return 0
  },
}
