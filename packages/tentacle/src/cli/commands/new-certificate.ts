import { resolve } from 'node:path'
import { writePfx } from '@tentacle/halibut'
import {
  generateCertificate,
  generateIfMissing,
  storeCertificate,
} from '../../certificates/instance-certificate.ts'
import { TentacleError } from '../../errors.ts'
import { flag, type OptionTable, value } from '../../options/option-table.ts'
import { writeFileSafely } from '../../settings/write-file.ts'
import { type InstanceContext, instanceCommand } from '../command.ts'

const options = {
  ifBlank: flag('b|if-blank', 'Does nothing if there is a certificate already'),
  exportFile: value(
    'e|export-file',
    'Writes a new certificate as base64 text to this file and leaves the instance as it is; prefer --export-pfx',
  ),
  exportPfx: value(
    'export-pfx',
    'Writes a new certificate as PFX to this file and leaves the instance as it is; see --pfx-password',
  ),
  pfxPassword: value('pfx-password', 'Password for the PFX file', { sensitive: true }),
} as const satisfies OptionTable

/** Makes a certificate for the instance, or one for a file that the instance does not use. */
export const newCertificate = instanceCommand({
  options,
  async run(given, context) {
    const targets = (['ifBlank', 'exportFile', 'exportPfx'] as const).filter(option => given.has(option))
    const [first, second] = targets.map(option => `--${options[option].names.at(-1)}`)
    if (second !== undefined) {
      throw new TentacleError('ERR_USAGE', `${first} and ${second} exclude each other: give one of them.`)
    }
    const [exportFile, exportPfx] = [given.text('exportFile'), given.text('exportPfx')]
    if (exportFile !== undefined) await exportBase64(exportFile, context)
    else if (exportPfx !== undefined) await exportWithPassword(exportPfx, given.text('pfxPassword'), context)
    else await install(given.has('ifBlank'), context)
  },
})

async function install(
  ifBlank: boolean,
  { settings, log, machine, restartHint }: InstanceContext,
): Promise<void> {
  const certificate = ifBlank
    ? await generateIfMissing(settings, machine.now())
    : await generateCertificate(machine.now())
  if (certificate === undefined) {
    log.info('A certificate already exists, no changes will be applied.')
    return
  }
  if (!ifBlank) await settings.change(draft => storeCertificate(draft, certificate))
  log.info('A new certificate has been generated and installed. Thumbprint:')
  log.info(certificate.thumbprint)
  restartHint()
}

async function exportBase64(file: string, { log, machine }: InstanceContext): Promise<void> {
  const certificate = await generateCertificate(machine.now())
  const text = `\uFEFF${Buffer.from(writePfx(certificate)).toString('base64')}`
  await writeFileSafely(resolve(machine.cwd, file), text)
  tellWritten(file, certificate.thumbprint, log)
}

async function exportWithPassword(
  file: string,
  password: string | undefined,
  { log, machine }: InstanceContext,
): Promise<void> {
  const certificate = await generateCertificate(machine.now())
  await writeFileSafely(resolve(machine.cwd, file), writePfx(certificate, password))
  tellWritten(file, certificate.thumbprint, log)
}

function tellWritten(file: string, thumbprint: string, log: InstanceContext['log']): void {
  log.info(`A new certificate has been generated and written to ${file}. Thumbprint:`)
  log.info(thumbprint)
}
