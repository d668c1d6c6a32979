import type { Filter, FilterTable } from './filter-table.ts'
import { matchRegex, replaceRegex } from './limited-regex.ts'

/** A filter that works on some text and takes no options. */
export function plain(change: (text: string) => string | undefined): Filter {
  return (input, options) => (input === undefined || options.length > 0 ? undefined : change(input))
}

function withText(ask: (input: string, text: string) => boolean): Filter {
  return (input, [text, ...rest]) =>
    input === undefined || text === undefined || rest.length > 0 ? undefined : String(ask(input, text))
}

const trim: Filter = (input, [side, ...rest]) => {
  if (input === undefined || rest.length > 0) return undefined
  switch (side?.toLowerCase()) {
    case undefined:
      return input.trim()
    case 'start':
      return input.trimStart()
    case 'end':
      return input.trimEnd()
    default:
      return undefined
  }
}

const truncate: Filter = (input, [length, suffix = '...', ...rest]) => {
  const size = wholeNumber(length)
  if (input === undefined || size === undefined || rest.length > 0) return undefined
  return input.length <= size ? input : input.slice(0, size) + suffix
}

const substring: Filter = (input, options) => {
  if (input === undefined || options.length === 0 || options.length > 2) return undefined
  const start = options.length === 1 ? 0 : wholeNumber(options[0])
  const length = wholeNumber(options.at(-1))
  if (start === undefined || length === undefined || start > input.length) return undefined
  return input.slice(start, start + length)
}

const replace: Filter = (input, [pattern, replacement = '', ...rest]) =>
  input === undefined || pattern === undefined || rest.length > 0
    ? undefined
    : replaceRegex(input, pattern, replacement)

const match: Filter = (input, [pattern, ...rest]) => {
  if (input === undefined || pattern === undefined || rest.length > 0) return undefined
  const matches = matchRegex(input, pattern)
  return matches === undefined ? undefined : String(matches)
}

const append: Filter = (input, options) =>
  options.length === 0 ? undefined : `${input ?? ''}${options.join('')}`

const prepend: Filter = (input, options) =>
  options.length === 0 ? undefined : `${options.join('')}${input ?? ''}`

/** `Indent`, `Indent n`, `Indent /n`, `Indent a/b`, `Indent text`, `Indent first rest`: what goes before each line. */
const indent: Filter = (input, options) => {
  if (input === undefined || options.length > 2) return undefined
  const [first, rest] =
    options.length === 2 ? [options[0] ?? '', options[1] ?? ''] : indentation(options[0] ?? '4')
  const [head = '', ...lines] = input.split('\n')
  return [first + head, ...lines.map(line => rest + line)].join('\n')
}

function indentation(option: string): readonly [string, string] {
  const numbers = /^(?:(\d{0,3})\/)?(\d{1,3})$/.exec(option)
  if (numbers === null) return [option, option]
  const rest = Number(numbers[2])
  const first = numbers[1] === undefined ? rest : Number(numbers[1])
  return first > 255 || rest > 255 ? [option, option] : [' '.repeat(first), ' '.repeat(rest)]
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined
}

export const textFilters: FilterTable = {
  tolower: plain(text => text.toLowerCase()),
  toupper: plain(text => text.toUpperCase()),
  trim,
  truncate,
  substring,
  replace,
  match,
  startswith: withText((input, text) => input.startsWith(text)),
  endswith: withText((input, text) => input.endsWith(text)),
  contains: withText((input, text) => input.includes(text)),
  append,
  prepend,
  indent,
}
