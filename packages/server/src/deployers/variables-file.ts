import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { RuntimeVariable } from '../variables/variable-list.ts'

const deriveKey = promisify(pbkdf2)

/** The format's own constants: docs/wire/deployment.md, variables file. */
const salt = 'Octopuss'
const iterations = 1_000
const keyBytes = 32
const marker = 'IV__'

/** A password for one variables file: 32 hex digits, which need no quoting in any shell. */
export function newFilePassword(): string {
  return randomBytes(16).toString('hex')
}

/**
 * The bytes of a variables file for the deployer: `IV__`, a fresh initialisation vector, and the variables as JSON,
 * encrypted with AES-256-CBC under the password.
 */
export async function encryptVariables(
  variables: readonly RuntimeVariable[],
  password: string,
): Promise<Buffer> {
  const text = JSON.stringify(
    variables.map(({ name, value, isSensitive }) => ({ k: name, v: value, s: isSensitive })),
  )
  const key = await deriveKey(password, salt, iterations, keyBytes, 'sha1')
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return Buffer.concat([Buffer.from(marker, 'ascii'), iv, cipher.update(text, 'utf8'), cipher.final()])
}
