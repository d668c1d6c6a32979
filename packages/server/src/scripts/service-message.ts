/** A message from a script to the server: docs/wire/orchestration.md, service messages. */
export interface ServiceMessage {
  readonly name: string
  /** Names in lower case; values decoded. */
  readonly attributes: ReadonlyMap<string, string>
}

/** What a line (or several, when a message is split) turned out to be. */
export type ReadLine =
  /** A message that goes on in the next line; nothing is to be shown yet. */
  | { readonly kind: 'unfinished' }
  /** The text of lines to show, in order, before `message` takes effect. */
  | { readonly kind: 'text'; readonly texts: readonly string[] }
  /** A message; `text` is what stood around it on its lines. */
  | { readonly kind: 'message'; readonly message: ServiceMessage; readonly text: string }
  /** Looked like a message, but is none. It has no effect, and is not shown, for it may hold a secret in base64. */
  | { readonly kind: 'broken'; readonly text: string }

// A third hash before it breaks the marker.
const marker = /(?<!#)##octopus\[/
const element = /^([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:'[^'<]*'|"[^"<]*"))*)\s*$/
const attribute = /([A-Za-z_][\w.:-]*)\s*=\s*(?:'([^'<]*)'|"([^"<]*)")/g
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A split message is given up after this much text: then it is output of a program that prints the marker. */
const maxHeldCharacters = 1_048_576

function decode(text: string): string | undefined {
  const compact = text.replace(/\s+/g, '')
  return base64.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : undefined
}

/** Reads what stands between the brackets; undefined when it is not a message. */
function parseElement(inner: string): ServiceMessage | undefined {
  const found = element.exec(inner)
  const name = found?.[1]
  if (name === undefined) return undefined
  const attributes = new Map<string, string>()
  for (const [, key = '', single, double] of (found?.[2] ?? '').matchAll(attribute)) {
    const value = decode(single ?? double ?? '')
    const lowerKey = key.toLowerCase()
    if (value === undefined || attributes.has(lowerKey)) return undefined
    attributes.set(lowerKey, value)
  }
  return { name, attributes }
}

/** Finds the service messages in the lines of one output stream of one script. */
export interface ServiceMessageReader {
  /** Takes the next line, without its line end. */
  read(line: string): ReadLine
  /** Lines that are held back because a message may go on. */
  heldLines(): number
  /** At the end of the output: the lines that are still held back are text. */
  end(): readonly string[]
}

/** Makes a reader for one stream. */
export function createServiceMessageReader(): ServiceMessageReader {
  let held: string[] = []
  let heldCharacters = 0

  function end(): readonly string[] {
    const texts = held
    held = []
    heldCharacters = 0
    return texts
  }

  return {
    read(line) {
      const whole = held.length === 0 ? line : `${held.join('\n')}\n${line}`
      const start = marker.exec(whole)
      if (start === null) return { kind: 'text', texts: [line] }
      const innerStart = start.index + start[0].length
      // The first bracket ends it: base64 has none.
      const close = whole.indexOf(']', innerStart)
      if (close === -1) {
        held.push(line)
        heldCharacters += line.length
        if (heldCharacters <= maxHeldCharacters) return { kind: 'unfinished' }
        return { kind: 'text', texts: end() }
      }
      end()
      // Only the first message of a line counts; a second one is not shown either.
      const after = whole.slice(close + 1).split(marker)[0] ?? ''
      const text = [whole.slice(0, start.index), after]
        .map(part => part.trim())
        .join(' ')
        .trim()
      const message = parseElement(whole.slice(innerStart, close))
      return message === undefined ? { kind: 'broken', text } : { kind: 'message', message, text }
    },
    heldLines() {
      return held.length
    },
    end,
  }
}
