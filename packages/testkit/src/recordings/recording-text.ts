import { createHash } from 'node:crypto'
import { encodeDocument } from './document.ts'
import { contentOf, dotnetGuidText, type Entry, type Line } from './recording.ts'

/** The documents of longer messages are left out: the reader inflates the frame instead. */
const longDocumentBytes = 16 * 1024

/** The bytes of longer data streams are left out where the reader can make them with `contentOf`. */
const longStreamBytes = 4 * 1024

/** The text of a recording's file. @param about who talks to whom, for the first line */
export function recordingText(about: string, connections: readonly (readonly Entry[])[]): string {
  const lines = connections.flatMap((entries, index) => entries.map(entry => lineOf(entry, index + 1)))
  return [{ about }, ...lines].map(line => `${JSON.stringify(line)}\n`).join('')
}

function lineOf(entry: Entry, connection: number): Line {
  const head = { connection, from: entry.from, kind: entry.kind }
  if (entry.kind === 'control') return { ...head, text: entry.text }
  if (entry.kind === 'message') {
    const { frame, document } = entry
    const plainLength = encodeDocument(document).length
    return {
      ...head,
      compressedLength: frame.length,
      plainLength,
      bytes: frame.toString('base64'),
      ...(plainLength <= longDocumentBytes && { document }),
    }
  }
  const { bytes, content, length } = entry
  const canBeMade = length > longStreamBytes && content.equals(contentOf(length))
  return {
    ...head,
    id: dotnetGuidText(bytes.subarray(0, 16)),
    length,
    lengthAgain: length,
    sha256: createHash('sha256').update(content).digest('hex'),
    ...(!canBeMade && { bytes: bytes.toString('base64') }),
  }
}
