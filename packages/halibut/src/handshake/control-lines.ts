import type { ByteSink } from '../bytes/byte-sink.ts'
import type { ByteSource } from '../bytes/byte-source.ts'
import { HalibutError } from '../errors.ts'

/** What the two sides say between messages (docs/wire/halibut.md, "Control lines"). */
export type ControlLine = 'NEXT' | 'PROCEED' | 'END'

/** No identity is longer: a peer that sends more is no Halibut. */
const maximumLineBytes = 20_000

const lineFeed = 0x0a
const carriageReturn = 0x0d

const encoded: Readonly<Record<ControlLine, Buffer>> = {
  NEXT: Buffer.from('NEXT\r\n'),
  PROCEED: Buffer.from('PROCEED\r\n'),
  END: Buffer.from('END\r\n'),
}

/**
 * Says a word between messages, as one write (docs/wire/halibut.md, "Records").
 *
 * @throws HalibutError `ERR_TIMEOUT` when the other side does not take it, `ERR_CONNECTION_LOST`
 */
export function writeControl(sink: ByteSink, line: ControlLine, timeoutMs: number): Promise<void> {
  return sink.write(encoded[line], timeoutMs)
}

/**
 * Reads one line without its end. `\r\n` ends a line; a lone `\n` does as well, for peers before Halibut 4.0.4.
 *
 * @param timeoutMs for the whole line
 */
export async function readLine(source: ByteSource, timeoutMs: number, forWhat: string): Promise<string> {
  const deadline = Date.now() + timeoutMs
  let line = ''
  for (;;) {
    if (source.available === 0) await source.wait(Math.max(1, deadline - Date.now()), forWhat)
    const chunk = source.take()
    const end = chunk.indexOf(lineFeed)
    line += chunk.toString('latin1', 0, end < 0 ? chunk.length : end)
    if (line.length > maximumLineBytes) throw badLine(line, 'is longer than any line of the protocol')
    const carriage = line.indexOf('\r')
    if (end >= 0) {
      source.unread(chunk.subarray(end + 1))
      if (carriage < 0) return line
      if (carriage === line.length - 1) return line.slice(0, -1)
    }
    if (carriage >= 0 && carriage < line.length - 1) throw badLine(line, 'has a carriage return within')
  }
}

/** Reads a control line; empty lines before it are skipped. Each line may take `timeoutMs`. */
export async function readControl(source: ByteSource, timeoutMs: number, forWhat: string): Promise<string> {
  for (;;) {
    const line = await readLine(source, timeoutMs, forWhat)
    if (line !== '') return line
  }
}

/** Everything up to an empty line: the preamble of Halibut, or the head of a request or response of the web. */
export interface Head {
  readonly text: string
  /** The empty line was seen: the connection did not end before, and the limit was not reached. */
  readonly isWhole: boolean
}

/** What an incoming connection began with. */
export interface Preamble extends Head {
  readonly isHalibut: boolean
}

/** What a dialler sends first: nothing answers it. */
export const preamble: Buffer = Buffer.from('MX\r\n\r\n')

/** Reads what an incoming connection says first, up to an empty line. Nobody is trusted yet. */
export async function readPreamble(
  source: ByteSource,
  timeoutMs: number,
  maximumBytes: number,
): Promise<Preamble> {
  const head = await readHead(source, timeoutMs, maximumBytes, 'the first line')
  return { ...head, isHalibut: head.text.startsWith('MX') }
}

/**
 * Reads up to an empty line. The newline is that of the other side's system, so `\r` is read over.
 *
 * @param timeoutMs for each wait
 * @param maximumBytes how much is read at most
 */
export async function readHead(
  source: ByteSource,
  timeoutMs: number,
  maximumBytes: number,
  forWhat: string,
): Promise<Head> {
  const bytes: number[] = []
  let isLineEmpty = false
  let isWhole = false
  while (!isWhole && bytes.length < maximumBytes) {
    try {
      await source.wait(timeoutMs, forWhat)
    } catch (error) {
      // A peer that says less than a line and hangs up is still told apart by what it said.
      if (bytes.length > 0 && source.failure?.details.isEndOfStream) break
      throw error
    }
    const byte = source.take(1)[0] ?? 0
    bytes.push(byte)
    if (byte === carriageReturn) continue
    if (byte === lineFeed) isWhole = isLineEmpty
    isLineEmpty = byte === lineFeed
  }
  return { text: Buffer.from(bytes).toString('latin1'), isWhole }
}

function badLine(line: string, problem: string): HalibutError {
  const shown = JSON.stringify(line.slice(0, 80))
  return new HalibutError('ERR_PROTOCOL', `The line ${shown} ${problem}.`, {
    details: { line: line.slice(0, 80) },
  })
}
