import { link, readFile, rm } from 'node:fs/promises'
import { systemCode, TentacleError } from '../errors.ts'
import { crypto } from './crypto.ts'
import { writeFileSafely } from './write-file.ts'

/** Where the keys for stored secrets come from, in the order in which they are tried. */
export interface MachineKeyPaths {
  /** The system's identity; its first line is a key when it has 32 characters. `/etc/machine-id` */
  readonly machineIdFile: string
  /**
   * Files with a generated key. All are tried for reading; for writing, the first that exists or can be made. The first
   * is the original's `/etc/octopus/machinekey`; more are places that need no root.
   */
  readonly generatedKeyFiles: readonly string[]
}

interface MachineKey {
  readonly key: Buffer
  readonly iv: Buffer
  readonly source: string
}

/** The initialisation vector that goes with the machine id: the same 16 ASCII characters everywhere. */
const fixedIv = Buffer.from('743677397A244326', 'ascii')

/**
 * How the original's next form begins, of which it has no release yet: a vector of its own for each secret, before the
 * ciphertext. It is read, so that settings which were changed by such a release stay usable, and never written.
 */
const ownVectorMark = '$OctopusMachineKeyV1$'
const vectorBytes = 16

/**
 * Encrypts and decrypts the secrets of settings files with a key of this machine, to the byte as the original does on
 * Linux: AES-256-CBC with PKCS#7 padding, UTF-8 text in, base64 out (docs/wire/tentacle-settings.md 6).
 *
 * The scheme has a fixed vector and no authentication. It is kept because either program must be able to open what the
 * other wrote; the protection of the secret is the file's permission, not this.
 */
export interface SecretBox {
  /** @throws TentacleError `ERR_SECRET` when there is no key and none can be stored. */
  encrypt(text: string): Promise<string>
  /** @throws TentacleError `ERR_SECRET` when no key of this machine opens it. */
  decrypt(sealed: string): Promise<string>
}

export function createSecretBox(paths: MachineKeyPaths): SecretBox {
  return {
    async encrypt(text) {
      const { key, iv } =
        (await machineIdKey(paths.machineIdFile)) ?? (await generatedKey(paths.generatedKeyFiles))
      const cipher = crypto().createCipheriv('aes-256-cbc', key, iv)
      return Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64')
    },

    async decrypt(sealed) {
      const hasOwnVector = sealed.startsWith(ownVectorMark)
      const bytes = Buffer.from(hasOwnVector ? sealed.slice(ownVectorMark.length) : sealed, 'base64')
      const tried: string[] = []
      for await (const candidate of existingKeys(paths)) {
        const text = hasOwnVector
          ? open({ ...candidate, iv: bytes.subarray(0, vectorBytes) }, bytes.subarray(vectorBytes))
          : open(candidate, bytes)
        if (text !== undefined) return text
        tried.push(candidate.source)
      }
      throw new TentacleError(
        'ERR_SECRET',
        tried.length === 0
          ? `A stored secret cannot be read: this machine has neither ${paths.machineIdFile} nor ${paths.generatedKeyFiles.join(' nor ')}.`
          : `A stored secret cannot be read with the key of this machine (${tried.join(', ')}). ` +
              'If the settings were copied from another machine, import the certificate and set the passwords again.',
      )
    },
  }
}

async function* existingKeys(paths: MachineKeyPaths): AsyncGenerator<MachineKey> {
  const machineId = await machineIdKey(paths.machineIdFile)
  if (machineId !== undefined) yield machineId
  for (const file of paths.generatedKeyFiles) {
    const key = await readKeyFile(file)
    if (key !== undefined) yield key
  }
}

/** A wrong key almost always shows in the padding, and if not, the text is hardly valid UTF-8. */
function open({ key, iv }: MachineKey, sealed: Buffer): string | undefined {
  try {
    const decipher = crypto().createDecipheriv('aes-256-cbc', key, iv)
    const bytes = Buffer.concat([decipher.update(sealed), decipher.final()])
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

async function machineIdKey(file: string): Promise<MachineKey | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const firstLine = text.split(/\r?\n/)[0] ?? ''
  const key = Buffer.from(firstLine, 'ascii')
  return firstLine.length === 32 && key.length === 32 ? { key, iv: fixedIv, source: file } : undefined
}

async function readKeyFile(file: string): Promise<MachineKey | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  const [key = Buffer.alloc(0), iv = Buffer.alloc(0)] = (text ?? '')
    .trim()
    .split('.')
    .map(part => Buffer.from(part, 'base64'))
  return key.length === 32 && iv.length === 16 ? { key, iv, source: file } : undefined
}

async function generatedKey(files: readonly string[]): Promise<MachineKey> {
  for (const file of files) {
    const key = await readKeyFile(file)
    if (key !== undefined) return key
  }
  let failure: unknown
  for (const file of files) {
    try {
      return await createKeyFile(file)
    } catch (error) {
      failure = error
    }
  }
  throw new TentacleError(
    'ERR_SECRET',
    `The secret cannot be stored: this machine has no machine id, and no key file could be made at ${files.join(' or ')}. ` +
      'Run the command once as root, or set TentacleMachineConfigurationHomeDirectory to a folder that this account can write.',
    { cause: failure },
  )
}

/** Several processes may find the key missing at the same moment: the one that links its file first decides for all. */
async function createKeyFile(file: string): Promise<MachineKey> {
  const text = `${crypto().randomBytes(32).toString('base64')}.${crypto().randomBytes(16).toString('base64')}`
  const beside = `${file}.${crypto().randomBytes(6).toString('hex')}.tmp`
  try {
    await writeFileSafely(beside, text, { mode: 0o600, makeFolder: true })
    await link(beside, file).catch(error => {
      if (systemCode(error) !== 'EEXIST') throw error
    })
  } finally {
    await rm(beside, { force: true })
  }
  const key = await readKeyFile(file)
  if (key === undefined)
    throw new TentacleError('ERR_SECRET', `The key file ${file} is damaged or cannot be read.`)
  return key
}
