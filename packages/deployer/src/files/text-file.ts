import { randomUUID } from 'node:crypto'
import { chmod, chown, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** The encodings that files are read and written in. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

export interface TextFile {
  readonly text: string
  readonly encoding: TextEncoding
  readonly hasMark: boolean
}

const marks: readonly (readonly [encoding: TextEncoding, mark: Buffer])[] = [
  ['utf-8', Buffer.from([0xef, 0xbb, 0xbf])],
  ['utf-16le', Buffer.from([0xff, 0xfe])],
  ['utf-16be', Buffer.from([0xfe, 0xff])],
]

/** Reads text: by its byte order mark, else as UTF-8, else, where that does not fit, as windows-1252, which always does. */
export async function readText(path: string): Promise<TextFile> {
  return decodeText(await readFile(path))
}

export function decodeText(bytes: Buffer): TextFile {
  for (const [encoding, mark] of marks) {
    if (!bytes.subarray(0, mark.length).equals(mark)) continue
    return {
      text: new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes.subarray(mark.length)),
      encoding,
      hasMark: true,
    }
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text, encoding: 'utf-8', hasMark: false }
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252', hasMark: false }
  }
}

/** The bytes of a text; `undefined` when the encoding lacks a character of it. */
export function encodeText({ text, encoding, hasMark }: TextFile): Buffer | undefined {
  const mark = hasMark ? (marks.find(([name]) => name === encoding)?.[1] ?? Buffer.alloc(0)) : Buffer.alloc(0)
  const body = encodeBody(text, encoding)
  return body === undefined ? undefined : Buffer.concat([mark, body])
}

/** Replaces a file's content at once, keeping its mode. A link stays; what it points to is replaced. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const target = await realpath(path)
  const beside = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
  try {
    await writeFile(beside, bytes, { flag: 'wx' })
    const { mode, uid, gid } = await stat(target)
    await chown(beside, uid, gid).catch(() => {}) // Only a superuser may give files away; others own them already.
    await chmod(beside, mode & 0o7777)
    await rename(beside, target)
  } finally {
    await rm(beside, { force: true })
  }
}

function encodeBody(text: string, encoding: TextEncoding): Buffer | undefined {
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(text, 'utf8')
    case 'utf-16le':
      return Buffer.from(text, 'utf16le')
    case 'utf-16be':
      return Buffer.from(text, 'utf16le').swap16()
    case 'windows-1252':
      return encodeWindows1252(text)
  }
}

let windows1252: ReadonlyMap<string, number> | undefined

function encodeWindows1252(text: string): Buffer | undefined {
  windows1252 ??= new Map(
    Array.from(
      new TextDecoder('windows-1252').decode(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
      (character, byte) => [character, byte],
    ),
  )
  const bytes = Buffer.alloc(text.length)
  for (let at = 0; at < text.length; at += 1) {
    const byte = windows1252.get(text[at] ?? '')
    if (byte === undefined) return undefined
    bytes[at] = byte
  }
  return bytes
}

/** Reads the name of an encoding as servers write it; `undefined` for one that is not known. */
export function parseEncoding(name: string): TextEncoding | undefined {
  switch (name.trim().toLowerCase()) {
    case 'utf-8':
    case 'utf8':
    case 'ascii':
    case 'us-ascii':
      return 'utf-8'
    case 'utf-16':
    case 'utf-16le':
    case 'unicode':
      return 'utf-16le'
    case 'utf-16be':
      return 'utf-16be'
    case 'windows-1252':
    case 'iso-8859-1':
    case 'latin1':
      return 'windows-1252'
    default:
      return undefined
  }
}
