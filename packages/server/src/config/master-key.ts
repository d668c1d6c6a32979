import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { SettingsRepository } from '../db/settings-repository.ts'
import { ServerError } from '../errors.ts'
import type { SealedText, SecretVault } from '../model/secret.ts'

/** The environment variable that holds the master key instead of the file. */
export const masterKeyVariable = 'OCTOPUS_SERVER_MASTER_KEY'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** Says how a text was sealed, so that another way can come later. */
const format = 'v1:'

function parseKey(text: string, source: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length === keyBytes) return key
  throw new ServerError(
    'ERR_MASTER_KEY',
    `${source} does not hold a master key: it must be ${keyBytes} bytes in base64 (44 characters). Restore it from a backup; ` +
      'without the right key the secrets in the database are lost.',
    { details: { source } },
  )
}

/**
 * Reads the key from the environment or the file; makes the file, for its owner only, when there is neither. Throws
 * `ERR_MASTER_KEY` when the text is not a key, or when the file is missing although the database exists already.
 */
export function loadMasterKey(file: string, env: NodeJS.ProcessEnv, isNewServer: boolean): Buffer {
  const fromEnvironment = env[masterKeyVariable]
  if (fromEnvironment !== undefined && fromEnvironment !== '')
    return parseKey(fromEnvironment, masterKeyVariable)
  if (existsSync(file)) return parseKey(readFileSync(file, 'utf8'), file)
  if (!isNewServer) {
    throw new ServerError(
      'ERR_MASTER_KEY',
      `The master key is missing: there is no ${file}, and ${masterKeyVariable} is not set. Restore the file from a backup; ` +
        'without it the secrets in the database cannot be read.',
      { details: { file } },
    )
  }
  const key = randomBytes(keyBytes)
  writeFileSync(`${file}.new`, `${key.toString('base64')}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
  return key
}

/** Seals with AES-256-GCM under the key. */
export function createVault(key: Buffer): SecretVault {
  return {
    seal(text): SealedText {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return { sealed: format + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64') }
    },
    open({ sealed }) {
      try {
        if (!sealed.startsWith(format)) throw new Error('unknown format')
        const bytes = Buffer.from(sealed.slice(format.length), 'base64')
        const nonce = bytes.subarray(0, nonceBytes)
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
        decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
        const body = bytes.subarray(nonceBytes + tagBytes)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch (error) {
        throw new ServerError(
          'ERR_MASTER_KEY',
          'A secret in the database cannot be read: it was sealed with another master key, or it is damaged.',
          {
            cause: error,
          },
        )
      }
    },
  }
}

/**
 * Makes sure, before anything is written, that the key is the one that this database was made with. Throws
 * `ERR_MASTER_KEY` otherwise.
 */
export async function checkMasterKey(vault: SecretVault, settings: SettingsRepository): Promise<void> {
  const known = await settings.get('master-key-check')
  if (known === undefined) {
    await settings.set('master-key-check', vault.seal('right').sealed)
    return
  }
  try {
    vault.open({ sealed: known })
  } catch (error) {
    throw new ServerError(
      'ERR_MASTER_KEY',
      'The master key is not the one that this database was made with. Restore master.key (or the environment variable ' +
        `${masterKeyVariable}) from the backup that belongs to the database.`,
      { cause: error },
    )
  }
}
