import { resolve } from 'node:path'
import type { Certificate } from '@tentacle/halibut'
import { storeCertificate } from '../../certificates/instance-certificate.ts'
import {
  decodeBase64,
  keyBits,
  parseCertificate,
  recommendedKeyBits,
} from '../../certificates/read-certificate.ts'
import { TentacleError } from '../../errors.ts'
import { flag, type OptionTable, value } from '../../options/option-table.ts'
import { readWholeFile } from '../../settings/write-file.ts'
import { type InstanceContext, instanceCommand } from '../command.ts'

const options = {
  fromRegistry: flag(
    'r|from-registry',
    'Takes the certificate of an Octopus 1.x from the registry (Windows only)',
  ),
  fromFile: value(
    'f|from-file',
    'File with the certificate: a PFX, or base64 text of a PFX without password',
  ),
  fromBase64: value('b|from-base64', 'The certificate itself: base64 text of a PFX', { sensitive: true }),
  pfxPassword: value('pw|pfx-password', 'Password of the PFX file', { sensitive: true }),
} as const satisfies OptionTable

/** Replaces the certificate of the instance. Nothing is stored unless the certificate has a usable private key. */
export const importCertificate = instanceCommand({
  options,
  async run(given, context) {
    const file = given.nonEmpty('fromFile')
    const base64 = given.nonEmpty('fromBase64')
    const sources = [given.has('fromRegistry') || undefined, file, base64].filter(
      source => source !== undefined,
    )
    if (sources.length === 0) {
      throw new TentacleError(
        'ERR_USAGE',
        'Say where the certificate is: --from-file=PATH or --from-base64=TEXT',
      )
    }
    if (sources.length > 1) {
      throw new TentacleError('ERR_USAGE', 'Give only one of --from-file, --from-base64 and --from-registry')
    }
    const certificate = await read(file, base64, given.text('pfxPassword'), context)
    if (keyBits(certificate) < recommendedKeyBits) {
      context.log.warn(
        `The private key of this certificate has fewer than ${recommendedKeyBits} bits. Make a new one with new-certificate.`,
      )
    }
    await context.settings.change(draft => storeCertificate(draft, certificate))
    context.log.info(`Certificate with thumbprint ${certificate.thumbprint} imported successfully.`)
    context.restartHint()
  },
})

async function read(
  file: string | undefined,
  base64: string | undefined,
  password: string | undefined,
  { log, machine }: InstanceContext,
): Promise<Certificate> {
  if (file !== undefined) return await readFile(file, resolve(machine.cwd, file), password, log)
  if (base64 === undefined) {
    throw new TentacleError(
      'ERR_CERTIFICATE',
      'There is no registry to import from on this system; use --from-file.',
    )
  }
  log.info('Importing the certificate via base64...')
  const pfx = decodeBase64(base64)
  if (pfx === undefined)
    throw new TentacleError('ERR_CERTIFICATE', 'The value of --from-base64 is not base64 text.')
  return parseCertificate(pfx, password, 'the value of --from-base64')
}

async function readFile(
  typed: string,
  path: string,
  password: string | undefined,
  log: InstanceContext['log'],
): Promise<Certificate> {
  const bytes = await readWholeFile(path).catch((error: unknown) => {
    if (error instanceof TentacleError && error.details.systemCode === 'ENOENT') {
      throw new TentacleError('ERR_REFUSED', `There is no certificate at ${typed}.`)
    }
    throw error
  })
  if (!/\.pfx$/i.test(path)) {
    log.info(`Importing the certificate stored in ${typed}...`)
    const pfx = decodeBase64(exportedText(bytes))
    if (pfx !== undefined) return parseCertificate(pfx, password, typed)
  }
  const how = password === undefined ? '' : ' using the provided password'
  log.info(`Importing the certificate stored in PFX file in ${typed}${how}...`)
  return parseCertificate(bytes, password, typed)
}

/** Text that tools write: UTF-8, or UTF-16 as Windows PowerShell does, with or without a byte order mark. */
function exportedText(bytes: Buffer): string {
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe
  return isWide ? bytes.toString('utf16le') : bytes.toString('latin1').replace(/^\u00EF\u00BB\u00BF/, '')
}
