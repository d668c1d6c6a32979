import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/**
 * Encrypts a script file the way the programs that read it in the script expect: `IV__`, 16 random bytes, then
 * AES-128-CBC with a key derived from the password (docs/wire/tentacle-scripts.md, "Encrypted files").
 *
 * @param content read as UTF-8 text: a byte order mark is dropped, invalid bytes become U+FFFD
 */
export async function encryptScriptFile(content: Uint8Array, password: string): Promise<Buffer> {
  const key = await derive(password, 'Octopuss', 1000, 16, 'sha1')
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', key, iv)
  const text = new TextDecoder().decode(content)
  return Buffer.concat([Buffer.from('IV__', 'latin1'), iv, cipher.update(text, 'utf8'), cipher.final()])
}
