import { TentacleError } from '../errors.ts'
import type { SecretBox } from '../settings/machine-key.ts'
import { asHandle, asNumber, isTrue, koffi, once, openLibrary, windowsError } from './koffi.ts'

const api = once(() => {
  koffi().struct('DATA_BLOB', { length: 'uint32_t', bytes: 'uint8_t *' })
  const crypt = openLibrary('crypt32.dll')
  const rest = 'DATA_BLOB *entropy, void *reserved, void *prompt, uint32_t flags, _Out_ DATA_BLOB *output)'
  return {
    protect: crypt(`int __stdcall CryptProtectData(DATA_BLOB *input, const char16_t *description, ${rest}`),
    unprotect: crypt(`int __stdcall CryptUnprotectData(DATA_BLOB *input, void **description, ${rest}`),
    localFree: openLibrary('kernel32.dll')('void * __stdcall LocalFree(void *memory)'),
  }
})

/** Whoever is on this machine can open it, and nobody is asked anything on a screen. */
const flags = 0x4 | 0x1

/**
 * The secrets of settings files on Windows, which encrypts them for this machine itself: UTF-8 text in, base64 out, no
 * entropy of ours (docs/wire/tentacle-settings.md 6).
 */
export const dataProtection: SecretBox = {
  async encrypt(text) {
    const { protect } = api()
    const output: Record<string, unknown> = {}
    const isDone = protect(blobOf(Buffer.from(text, 'utf8')), '', null, null, null, flags, output)
    if (!isTrue(isDone)) throw notDone('A secret cannot be stored')
    return take(output).toString('base64')
  },

  async decrypt(sealed) {
    const { unprotect } = api()
    const output: Record<string, unknown> = {}
    const input = blobOf(Buffer.from(sealed, 'base64'))
    const isDone = unprotect(input, null, null, null, null, flags, output)
    if (!isTrue(isDone))
      throw notDone(
        'A stored secret cannot be read with the key of this machine. If the settings were copied from another machine, import the certificate and set the passwords again',
      )
    return take(output).toString('utf8')
  },
}

function blobOf(bytes: Buffer) {
  return { length: bytes.length, bytes }
}

/** Copies what Windows has allocated, and gives it back. */
function take({ length, bytes }: Record<string, unknown>): Buffer {
  const address = asHandle(bytes)
  if (address === undefined) return Buffer.alloc(0)
  const copy = Buffer.from(new Uint8Array(koffi().view(address, asNumber(length))))
  api().localFree(address)
  return copy
}

function notDone(what: string): TentacleError {
  const { message, details, cause } = windowsError(what)
  return new TentacleError('ERR_SECRET', message, { details, cause })
}
