import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from 'node:crypto'
import { DeployerError } from '../errors.ts'

/** One variable as it travels in a variables file. */
export interface FileVariable {
  readonly name: string
  readonly value: string | null
  readonly isSensitive: boolean
}

const magic = Buffer.from('IV__', 'ascii')
const salt = 'Octopuss'
const iterations = 1000
const ivLength = 16

/** Key lengths in bytes: today's, and the one that old servers used. */
const keyLengths = [32, 16] as const

/**
 * Writes a variables file (docs/wire/deployment.md, section 2): `IV__`, 16 random bytes, and the JSON of the variables
 * under AES-256-CBC with a key derived from the password.
 */
export function encryptVariables(variables: readonly FileVariable[], password: string): Buffer {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-cbc', deriveKey(password, 32), iv)
  const text = JSON.stringify(
    variables.map(({ name, value, isSensitive }) => ({ k: name, v: value, s: isSensitive })),
  )
  return Buffer.concat([magic, iv, cipher.update(text, 'utf8'), cipher.final()])
}

/**
 * Reads a variables file. Without a password it is plain JSON. `source` names the file in errors.
 *
 * Throws ERR_VARIABLES_FILE for a wrong password and for content that is no list of variables; the message holds
 * nothing of the content.
 */
export function readVariables(
  bytes: Uint8Array,
  password: string | undefined,
  source: string,
): FileVariable[] {
  return listOf(readJson(bytes, password, source), source)
}

/** Reads the old form, an object of names and values, all of them sensitive; also takes the list. */
export function readSensitiveVariables(
  bytes: Uint8Array,
  password: string | undefined,
  source: string,
): FileVariable[] {
  const json = readJson(bytes, password, source)
  if (Array.isArray(json)) return listOf(json, source)
  if (typeof json !== 'object' || json === null) throw notVariables(source)
  return Object.entries<unknown>({ ...json }).map(([name, value]) => ({
    name,
    value: textOf(value, source),
    isSensitive: true,
  }))
}

function readJson(bytes: Uint8Array, password: string | undefined, source: string): unknown {
  const candidates =
    password === undefined ? [Buffer.from(bytes)] : decryptions(Buffer.from(bytes), password, source)
  for (const candidate of candidates) {
    try {
      return JSON.parse(candidate.toString('utf8').replace(/^\ufeff/, ''))
    } catch {
      // Not this key; the error below does not quote the text, which may be full of secrets.
    }
  }
  throw password === undefined ? notVariables(source) : wrongPassword(source)
}

function decryptions(bytes: Buffer, password: string, source: string): Buffer[] {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new DeployerError(
      'ERR_VARIABLES_FILE',
      `The variables file ${source} is not encrypted although a password for it was given. Was it transferred in full?`,
    )
  }
  const iv = bytes.subarray(magic.length, magic.length + ivLength)
  const body = bytes.subarray(magic.length + ivLength)
  return keyLengths.flatMap(length => {
    try {
      const decipher = createDecipheriv(`aes-${length * 8}-cbc`, deriveKey(password, length), iv)
      return [Buffer.concat([decipher.update(body), decipher.final()])]
    } catch {
      return [] // The padding does not come out right with this key.
    }
  })
}

function deriveKey(password: string, length: number): Buffer {
  return pbkdf2Sync(password, salt, iterations, length, 'sha1')
}

function listOf(json: unknown, source: string): FileVariable[] {
  if (!Array.isArray(json)) throw notVariables(source)
  return json.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) throw notVariables(source)
    const { k, v, s }: { k?: unknown; v?: unknown; s?: unknown } = item
    if (typeof k !== 'string') throw notVariables(source)
    return { name: k, value: textOf(v, source), isSensitive: s === true }
  })
}

function textOf(value: unknown, source: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw notVariables(source)
}

function notVariables(source: string): DeployerError {
  return new DeployerError(
    'ERR_VARIABLES_FILE',
    `The variables file ${source} holds no variables that could be read.`,
  )
}

function wrongPassword(source: string): DeployerError {
  return new DeployerError(
    'ERR_VARIABLES_FILE',
    `The variables file ${source} cannot be decrypted. Is the password the one that it was written with?`,
  )
}
