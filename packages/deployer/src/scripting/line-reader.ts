import { StringDecoder } from 'node:string_decoder'

/** The longest line that is looked at for service messages, in UTF-16 units; the rest of a longer one is passed over. */
const maxLineLength = 16 * 1024 * 1024

/** Cuts bytes into lines. A line that never ends takes no more memory than the longest line that is looked at. */
export class LineReader {
  /** True when the last bytes did not end a line. */
  isInLine = false
  private readonly onLine: (line: string) => void
  private readonly decoder = new StringDecoder('utf8')
  private line = ''

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine
  }

  push(bytes: Buffer): void {
    this.add(this.decoder.write(bytes))
    if (bytes.length > 0) this.isInLine = bytes[bytes.length - 1] !== 0x0a
  }

  end(): void {
    this.add(this.decoder.end())
    if (this.isInLine || this.line !== '') this.finishLine()
  }

  private add(text: string): void {
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.append(text.slice(start, end))
      this.finishLine()
      start = end + 1
    }
    this.append(text.slice(start))
  }

  private append(text: string): void {
    if (this.line.length < maxLineLength) this.line += text
  }

  private finishLine(): void {
    const line = this.line.endsWith('\r') ? this.line.slice(0, -1) : this.line
    this.line = ''
    this.onLine(line)
  }
}
