/** What a program tells the server within its output: `##octopus[name attribute='base64' ...]`. */
export interface ServiceMessage {
  readonly name: string
  /** The decoded values by attribute name in lower case. */
  readonly attributes: ReadonlyMap<string, string>
}

const marker = '##octopus['

/** A message that is never closed may not fill the memory; this is far above the longest that programs write. */
const maxMessageLength = 16 * 1024 * 1024

/** Writes a message as one line without its line break. Attributes that are undefined are left out. */
export function formatServiceMessage(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
): string {
  const text = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}='${Buffer.from(value, 'utf8').toString('base64')}'`],
  )
  return `${marker}${name}${text.join('')}]`
}

/**
 * Finds service messages in lines of output (docs/wire/deployment.md, section 4). Only the first message of a line
 * counts; a message that is not closed on its line goes on on the next one.
 */
export class ServiceMessageReader {
  private open: string | undefined

  /** True within a message that is not closed yet. */
  get isInMessage(): boolean {
    return this.open !== undefined
  }

  /** The message that ends on this line, if any. */
  read(line: string): ServiceMessage | undefined {
    const start = this.open === undefined ? findMarker(line) : 0
    if (start < 0) return undefined
    const text = this.open === undefined ? line.slice(start + marker.length) : this.open + line
    const end = text.indexOf(']')
    if (end < 0) {
      this.open = text.length > maxMessageLength ? undefined : text
      return undefined
    }
    this.open = undefined
    return parseMessage(text.slice(0, end))
  }
}

function findMarker(line: string): number {
  for (let at = line.indexOf(marker); at >= 0; at = line.indexOf(marker, at + 1)) {
    if (line[at - 1] !== '#') return at
  }
  return -1
}

function parseMessage(text: string): ServiceMessage | undefined {
  const name = /^[A-Za-z_][\w.-]*/.exec(text)?.[0]
  if (name === undefined) return undefined
  const attributes = new Map<string, string>()
  const attribute = /\s+([A-Za-z_][\w.-]*)\s*=\s*(?:'([^'<]*)'|"([^"<]*)")/y
  attribute.lastIndex = name.length
  let end = name.length
  for (let found = attribute.exec(text); found !== null; found = attribute.exec(text)) {
    const value = decodeBase64(found[2] ?? found[3] ?? '')
    if (value === undefined) return undefined
    attributes.set((found[1] ?? '').toLowerCase(), value)
    end = attribute.lastIndex
  }
  return /^\s*\/?$/.test(text.slice(end)) ? { name, attributes } : undefined
}

function decodeBase64(text: string): string | undefined {
  const packed = text.replace(/[ \t\r\n]/g, '')
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined
  return Buffer.from(packed, 'base64').toString('utf8')
}
