import { TemplateError } from '../errors.ts'
import type { Filter, FilterTable } from './filter-table.ts'
import { plain } from './text-filters.ts'

type Escapes = Readonly<Record<string, string>>

const xmlEscapes: Escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
const htmlEscapes: Escapes = { ...xmlEscapes, '/': '&#x2F;' }
const jsonEscapes: Escapes = { '"': '\\"', '\\': '\\\\', '\r': '\\r', '\n': '\\n', '\t': '\\t' }
const propertiesEscapes: Escapes = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', '\t': '\\t' }

function escapeWith(escapes: Escapes, text: string): string {
  let escaped = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    escaped += Object.hasOwn(escapes, character) ? escapes[character] : character
  }
  return escaped
}

function escapeUnits(text: string, transform: (unit: string, code: number, at: number) => string): string {
  let escaped = ''
  for (let at = 0; at < text.length; at += 1) escaped += transform(text[at] ?? '', text.charCodeAt(at), at)
  return escaped
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`
}

/** In single-quoted YAML a line break is written as one more than there is, and a quote twice. */
function yamlSingleQuoted(text: string): string {
  return text
    .replaceAll("'", "''")
    .replace(/(?:\r?\n)+/g, breaks => (breaks.startsWith('\r\n') ? '\r\n' : '\n') + breaks)
}

function yamlDoubleQuoted(text: string): string {
  return escapeUnits(text, (unit, code) =>
    Object.hasOwn(jsonEscapes, unit)
      ? (jsonEscapes[unit] ?? '')
      : code < 0x20 || code > 0x7e
        ? unicodeEscape(code)
        : unit,
  )
}

function propertiesKey(text: string): string {
  return escapeUnits(text, (unit, code) =>
    unit === ' ' || unit === ':' || unit === '=' ? `\\${unit}` : propertiesUnit(unit, code),
  )
}

function propertiesValue(text: string): string {
  const leading = text.length - text.replace(/^ +/, '').length
  return escapeUnits(text, (unit, code, at) => (at < leading ? '\\ ' : propertiesUnit(unit, code)))
}

function propertiesUnit(unit: string, code: number): string {
  if (Object.hasOwn(propertiesEscapes, unit)) return propertiesEscapes[unit] ?? ''
  return code >= 255 ? unicodeEscape(code) : unit
}

/** Escapes what cannot stand in an address and leaves what separates its parts. */
function uriEscape(text: string): string {
  return encodeURI(text.toWellFormed()).replaceAll('%5B', '[').replaceAll('%5D', ']')
}

function uriDataEscape(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function encodingOf(option: string | undefined): 'utf8' | 'utf16le' | undefined {
  switch (option?.toLowerCase()) {
    case undefined:
    case 'utf8':
    case 'utf-8':
      return 'utf8'
    case 'unicode':
      return 'utf16le'
    default:
      return undefined
  }
}

const toBase64: Filter = (input, [option, ...rest]) => {
  const encoding = encodingOf(option)
  if (input === undefined || encoding === undefined || rest.length > 0) return undefined
  return Buffer.from(input, encoding).toString('base64')
}

const fromBase64: Filter = (input, [option, ...rest]) => {
  const encoding = encodingOf(option)
  if (input === undefined || encoding === undefined || rest.length > 0) return undefined
  const bytes = decodeBase64(input)
  if (bytes !== undefined) return bytes.toString(encoding)
  throw new TemplateError('ERR_INVALID_BASE64', 'FromBase64 was given text that is not base64.')
}

/** Blanks may stand anywhere in base64 text; everything else has to fit exactly. */
export function decodeBase64(text: string): Buffer | undefined {
  const packed = text.replace(/[ \t\r\n]/g, '')
  return packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed)
    ? Buffer.from(packed, 'base64')
    : undefined
}

export const escapeFilters: FilterTable = {
  htmlescape: plain(text => escapeWith(htmlEscapes, text)),
  xmlescape: plain(text => escapeWith(xmlEscapes, text)),
  jsonescape: plain(text => escapeWith(jsonEscapes, text)),
  yamlsinglequoteescape: plain(yamlSingleQuoted),
  yamldoublequoteescape: plain(yamlDoubleQuoted),
  propertieskeyescape: plain(propertiesKey),
  propertiesvalueescape: plain(propertiesValue),
  uriescape: plain(uriEscape),
  uridataescape: plain(uriDataEscape),
  tobase64: toBase64,
  frombase64: fromBase64,
}
