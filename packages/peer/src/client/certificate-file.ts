import { readFile } from 'node:fs/promises'
import { type Certificate, readPfx } from '@tentacle/halibut'
import { PeerError } from '../cli/peer-error.ts'

/**
 * Reads a PFX file that has no password.
 *
 * @throws PeerError `ERR_FAILED` that names the file
 */
export async function readCertificateFile(path: string): Promise<Certificate> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new PeerError(
      'ERR_FAILED',
      `The certificate file ${path} cannot be read: ${messageOf(error)}`,
      error,
    )
  }
  try {
    return readPfx(bytes)
  } catch (error) {
    throw new PeerError('ERR_FAILED', `${path}: ${messageOf(error)}`, error)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
