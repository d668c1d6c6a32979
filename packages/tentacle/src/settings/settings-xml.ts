import { TentacleError } from '../errors.ts'
import { forbiddenPattern, readXml, type XmlElement } from './xml-reader.ts'

/** One `<set key="…">` of the file. An empty element stands for a value that is null or empty: the file has no difference. */
export interface SettingEntry {
  readonly key: string
  readonly value: string
}

/** A settings file as `create-instance` leaves it before anything is set (docs/wire/tentacle-settings.md 3). */
export const emptySettingsXml = "<?xml version='1.0' encoding='UTF-8' ?><octopus-settings></octopus-settings>"

/**
 * Reads a settings file. Elements that are not `set` and attributes that are not `key` are skipped, as the original
 * does; they are lost when the file is written again.
 *
 * @param source - what the bytes came from, for messages.
 * @throws TentacleError `ERR_SETTINGS_DAMAGED` with the line and column where reading stopped.
 */
export function parseSettingsXml(bytes: Uint8Array, source: string): SettingEntry[] {
  const root = readXml(decode(bytes, source), source)
  if (root.name !== 'octopus-settings') {
    throw new TentacleError(
      'ERR_SETTINGS_DAMAGED',
      `${source} is not a Tentacle settings file: its root element is '${root.name}', expected 'octopus-settings'.`,
    )
  }
  return root.children.filter(child => child.name === 'set').flatMap(toEntry)
}

function toEntry(element: XmlElement): SettingEntry[] {
  const key = element.attributes.get('key')
  return key === undefined ? [] : [{ key, value: element.text }]
}

/**
 * The text of a settings file, to the byte what the original writes: byte order mark, sorted keys (by code unit, so
 * upper case comes first), two blanks of indent, no newline at the end.
 *
 * @throws TentacleError `ERR_OPTION_VALUE` for a value with characters that XML cannot hold.
 */
export function writeSettingsXml(entries: Iterable<SettingEntry>): string {
  const sorted = [...entries].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const lines = sorted.map(({ key, value }) => {
    for (const text of [key, value]) checkCharacters(key, text)
    const start = `  <set key="${escapeAttribute(key)}"`
    return value === '' ? `${start} />` : `${start}>${escapeText(value)}</set>`
  })
  const namespaces =
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
  const body = lines.length === 0 ? ' />' : `>\n${lines.join('\n')}\n</octopus-settings>`
  return `\uFEFF<?xml version="1.0" encoding="utf-8"?>\n<octopus-settings ${namespaces}${body}`
}

/** UTF-8 with or without a byte order mark, UTF-16 with one, which Windows editors write, or what the first line says. */
function decode(bytes: Uint8Array, source: string): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : declaredEncoding(bytes)
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new TentacleError(
      'ERR_SETTINGS_DAMAGED',
      `${source} is not valid ${encoding.toUpperCase()} text.`,
      { cause },
    )
  }
}

/** Without a byte order mark only encodings count that agree with ASCII: the declaration could not be read otherwise. */
function declaredEncoding(bytes: Uint8Array): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const declared = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w-]+)["']/.exec(start)?.[1]?.toLowerCase() ?? ''
  return /^(iso-8859-\d{1,2}|windows-125\d)$/.test(declared) ? declared : 'utf-8'
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#xD;')
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;').replaceAll('\n', '&#xA;').replaceAll('\t', '&#x9;')
}

function checkCharacters(key: string, text: string): void {
  const found = forbiddenPattern.exec(text)?.[0]
  if (found === undefined) return
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `The setting '${key}' cannot be stored: it has the character U+${code}, which a settings file cannot hold.`,
  )
}
