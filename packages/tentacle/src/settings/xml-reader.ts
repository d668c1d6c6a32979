import { TentacleError } from '../errors.ts'

/** An element with what the settings file needs of it. `text` is its character data in order, without that of children. */
export interface XmlElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  readonly text: string
}

interface OpenElement {
  name: string
  attributes: Map<string, string>
  children: XmlElement[]
  text: string
}

/** Nesting beyond this is an attack or an accident: a settings file has two levels. */
const maximumDepth = 64

/**
 * Reads the root element of an XML document. This is the part of XML that settings files use (elements, attributes,
 * the five named and all numeric references, CDATA, comments, processing instructions) and it is strict about it;
 * document type declarations are refused, so nothing is ever expanded or fetched. Written by hand because every command
 * of the agent reads settings first, and loading a general library takes longer than all the rest of such a command.
 *
 * @param source - what the text came from, for messages.
 * @throws TentacleError `ERR_SETTINGS_DAMAGED` with line and column.
 */
export function readXml(text: string, source: string): XmlElement {
  return new XmlReader(text, source).document()
}

const namePattern = /[\p{L}_:][\p{L}\p{N}\-._:·\p{M}]*/uy
const spacePattern = /[ \t\r\n]+/y
const referencePattern = /&(?:#x([0-9a-fA-F]{1,8})|#([0-9]{1,8})|([A-Za-z]+));/y
/** XML 1.0 section 2.2. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
export const forbiddenPattern = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Cs}/u
const namedReferences = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

class XmlReader {
  readonly #text: string
  readonly #source: string
  #at = 0

  constructor(text: string, source: string) {
    this.#text = text.startsWith('\uFEFF') ? text.slice(1) : text
    this.#source = source
  }

  document(): XmlElement {
    const forbidden = this.#text.search(forbiddenPattern)
    if (forbidden >= 0) {
      this.#at = forbidden
      this.#fail('found a character that no XML file can hold')
    }
    this.#skipMisc()
    if (!this.#peek('<')) this.#fail('expected the root element')
    const root = this.#element()
    this.#skipMisc()
    if (this.#at < this.#text.length) this.#fail('found something after the root element')
    return root
  }

  #element(): XmlElement {
    const open: OpenElement[] = []
    for (;;) {
      const opened = this.#openTag()
      if (!opened.selfClosing) {
        open.push(opened.element)
        if (open.length > maximumDepth) this.#fail(`more than ${maximumDepth} elements are nested`)
      } else if (open.length === 0) {
        return opened.element
      } else {
        open.at(-1)?.children.push(opened.element)
      }
      const root = this.#contentUntilNextOpenTag(open)
      if (root !== undefined) return root
    }
  }

  /** Collects text and closes elements; gives the root when that is closed, nothing before the next opening tag. */
  #contentUntilNextOpenTag(open: OpenElement[]): XmlElement | undefined {
    for (;;) {
      const current = open.at(-1)
      if (current === undefined) return this.#fail('expected an element')
      if (this.#at >= this.#text.length) this.#fail(`the file ends inside '${current.name}'`)
      if (this.#take('</')) {
        if (this.#match(namePattern) !== current.name) this.#fail(`expected the end of '${current.name}'`)
        this.#match(spacePattern)
        if (!this.#take('>')) this.#fail(`expected '>'`)
        open.pop()
        const parent = open.at(-1)
        if (parent === undefined) return current
        parent.children.push(current)
      } else if (this.#take('<![CDATA[')) {
        current.text += newlines(this.#until(']]>'))
      } else if (this.#skipCommentOrInstruction()) {
        // nothing of it is kept
      } else if (this.#peek('<')) {
        return undefined
      } else {
        current.text += this.#characters('<')
      }
    }
  }

  #openTag(): { element: OpenElement; selfClosing: boolean } {
    this.#at += 1
    const name = this.#match(namePattern) ?? this.#fail('expected the name of an element')
    const attributes = new Map<string, string>()
    for (;;) {
      const spaced = this.#match(spacePattern) !== undefined
      if (this.#take('/>'))
        return { element: { name, attributes, children: [], text: '' }, selfClosing: true }
      if (this.#take('>'))
        return { element: { name, attributes, children: [], text: '' }, selfClosing: false }
      if (!spaced) this.#fail(`expected a blank, '>' or '/>' in '${name}'`)
      this.#attribute(attributes)
    }
  }

  #attribute(attributes: Map<string, string>): void {
    const name = this.#match(namePattern) ?? this.#fail('expected the name of an attribute')
    this.#match(spacePattern)
    if (!this.#take('=')) this.#fail(`expected '=' after '${name}'`)
    this.#match(spacePattern)
    const quote = this.#take('"')
      ? '"'
      : this.#take("'")
        ? "'"
        : this.#fail(`expected the value of '${name}' in quotes`)
    let value = ''
    while (!this.#take(quote)) {
      if (this.#at >= this.#text.length) this.#fail(`the file ends inside the value of '${name}'`)
      if (this.#peek('<')) this.#fail(`found '<' inside the value of '${name}'`)
      value += this.#characters(`<${quote}`, true)
    }
    if (attributes.has(name)) this.#fail(`the attribute '${name}' is given twice`)
    attributes.set(name, value)
  }

  /** One reference, or characters up to the next reference or one of `stops`. In attributes white space becomes blanks. */
  #characters(stops: string, inAttribute = false): string {
    if (this.#peek('&')) return this.#reference()
    const start = this.#at
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at)
      if (character === '&' || stops.includes(character)) break
      this.#at += 1
    }
    const run = newlines(this.#text.slice(start, this.#at))
    return inAttribute ? run.replaceAll(/[\t\n]/g, ' ') : run
  }

  #reference(): string {
    referencePattern.lastIndex = this.#at
    const found = referencePattern.exec(this.#text)
    if (found === null) return this.#fail(`found '&' that is no reference`)
    const [whole, hex, decimal, named] = found
    const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN)
    const character =
      named !== undefined
        ? namedReferences.get(named)
        : isCharacter(code)
          ? String.fromCodePoint(code)
          : undefined
    if (character === undefined) this.#fail(`the reference ${whole} means nothing`)
    this.#at += whole.length
    return character
  }

  #skipMisc(): void {
    while (this.#match(spacePattern) !== undefined || this.#skipCommentOrInstruction());
    if (this.#peek('<!DOCTYPE')) this.#fail('document type declarations are not accepted')
  }

  #skipCommentOrInstruction(): boolean {
    if (this.#take('<!--')) this.#until('-->')
    else if (this.#take('<?')) this.#until('?>')
    else return false
    return true
  }

  #until(end: string): string {
    const found = this.#text.indexOf(end, this.#at)
    if (found < 0) this.#fail(`the file ends before '${end}'`)
    const between = this.#text.slice(this.#at, found)
    this.#at = found + end.length
    return between
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #peek(expected: string): boolean {
    return this.#text.startsWith(expected, this.#at)
  }

  #take(expected: string): boolean {
    const here = this.#peek(expected)
    if (here) this.#at += expected.length
    return here
  }

  #fail(what: string): never {
    const before = this.#text.slice(0, this.#at)
    const line = before.split('\n').length
    const column = this.#at - before.lastIndexOf('\n')
    throw new TentacleError(
      'ERR_SETTINGS_DAMAGED',
      `${this.#source} is damaged at line ${line}, column ${column}: ${what}. Repair the file or restore it from a backup.`,
      { details: { line, column } },
    )
  }
}

/** XML 1.0 section 2.11: every kind of line end is read as one newline. */
function newlines(text: string): string {
  return text.includes('\r') ? text.replaceAll('\r\n', '\n').replaceAll('\r', '\n') : text
}

function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code !== 0xfffe && code !== 0xffff
}
