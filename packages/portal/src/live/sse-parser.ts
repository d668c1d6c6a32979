/** One event of a stream of server-sent events. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
  /** The id that stands for "everything up to here", when the stream gave one. */
  readonly lastEventId: string | undefined
}

/** Takes the text of a stream in pieces of any size. */
export interface SseParser {
  push(piece: string): void
}

/**
 * Reads the `text/event-stream` format of the HTML standard: fields end with a line, events with an empty line; lines
 * end with CR, LF or both. An event that was cut off by the end of the stream is not reported.
 */
export function createSseParser(onEvent: (event: ServerEvent) => void): SseParser {
  let rest = ''
  let atStart = true
  let name = ''
  let data: string[] = []
  let lastEventId: string | undefined

  function dispatch(): void {
    if (data.length > 0) onEvent({ name: name || 'message', data: data.join('\n'), lastEventId })
    name = ''
    data = []
  }

  function takeLine(line: string): void {
    if (line === '') {
      dispatch()
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return // a comment: the server's sign of life
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') name = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) lastEventId = value
  }

  return {
    push(piece) {
      rest += atStart && piece !== '' ? piece.replace(/^\uFEFF/, '') : piece
      if (piece !== '') atStart = false
      let from = 0
      const lineEnd = /\r\n|\n|\r/g
      for (let match = lineEnd.exec(rest); match !== null; match = lineEnd.exec(rest)) {
        // A CR at the very end may be the first half of CR LF.
        if (match[0] === '\r' && lineEnd.lastIndex === rest.length) break
        takeLine(rest.slice(from, match.index))
        from = lineEnd.lastIndex
      }
      rest = rest.slice(from)
    },
  }
}
