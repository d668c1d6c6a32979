import { HalibutError } from '../errors.ts'

/** A .NET type name as it stands in `$type`: `Namespace.Type, Assembly`, generic arguments and array ranks taken apart. */
export interface TypeName {
  /** Namespace and name, with the arity of a generic type: ``System.Collections.Generic.List`1``. */
  readonly name: string
  readonly assembly: string
  readonly typeArguments: readonly TypeName[]
  /** How many `[]` follow: 1 for an array, 2 for an array of arrays. */
  readonly arrayRank: number
}

/** The assembly under which base-library types are written: the one that .NET Framework and .NET both load. */
export const baseLibrary = 'mscorlib'

/** Where the base library's types live, depending on the runtime of the sender. They are one and the same to us. */
const baseLibraries: ReadonlySet<string> = new Set([
  'mscorlib',
  'netstandard',
  'System',
  'System.Core',
  'System.Collections',
  'System.Private.CoreLib',
  'System.Private.Uri',
  'System.Runtime',
])

/** Longer names are no types of a contract. */
const maximumLength = 4096

/** The name of a type of .NET's base library, as it is written on the wire. */
export function systemType(
  name: string,
  typeArguments: readonly TypeName[] = [],
  assembly = baseLibrary,
): TypeName {
  return { name, assembly, typeArguments, arrayRank: 0 }
}

/** The name of `T[]` for the name of `T`. */
export function arrayOf(element: TypeName): TypeName {
  return { ...element, arrayRank: element.arrayRank + 1 }
}

/** The text for `$type`: without version, culture and token, which no receiver needs. */
export function formatTypeName(type: TypeName): string {
  const list = type.typeArguments.map(argument => `[${formatTypeName(argument)}]`).join(',')
  const generic = list === '' ? '' : `[${list}]`
  return `${type.name}${generic}${'[]'.repeat(type.arrayRank)}, ${type.assembly}`
}

/** Whether two names mean the same type; all names of the base library's assembly are equal. */
export function isSameType(a: TypeName, b: TypeName): boolean {
  return (
    isSameShape(a, b) &&
    a.typeArguments.every((argument, index) => {
      const other = b.typeArguments[index]
      return other !== undefined && isSameType(argument, other)
    })
  )
}

/** As {@link isSameType}, but the generic arguments only have to be as many. */
export function isSameShape(a: TypeName, b: TypeName): boolean {
  return (
    a.name === b.name &&
    a.arrayRank === b.arrayRank &&
    a.typeArguments.length === b.typeArguments.length &&
    (a.assembly === b.assembly ||
      (a.name.startsWith('System.') && baseLibraries.has(a.assembly) && baseLibraries.has(b.assembly)))
  )
}

/** The type of one element of an array type, or undefined when the type is not an array. */
export function elementOf(type: TypeName): TypeName | undefined {
  return type.arrayRank === 0 ? undefined : { ...type, arrayRank: type.arrayRank - 1 }
}

/**
 * Parses a `$type` text. Version, culture and public key token are read over.
 *
 * @throws HalibutError `ERR_UNKNOWN_TYPE` for text that is not a type name.
 */
export function parseTypeName(text: string): TypeName {
  if (text.length > maximumLength) throw notATypeName(`${text.slice(0, 80)}…`)
  const parser = { text, at: 0 }
  const type = parseQualified(parser, 0)
  if (parser.at !== text.length) throw notATypeName(text)
  return type
}

interface Parser {
  readonly text: string
  at: number
}

/** `Name, Assembly, Version=…` up to the end or to the `]` that closes a generic argument. */
function parseQualified(parser: Parser, depth: number): TypeName {
  const { text } = parser
  if (depth > 32) throw notATypeName(text)
  const name = readUntil(parser, '[],')
  const typeArguments: TypeName[] = []
  let arrayRank = 0
  while (text[parser.at] === '[') {
    parser.at++
    if (text[parser.at] === ']') {
      parser.at++
      arrayRank++
      continue
    }
    if (typeArguments.length > 0 || arrayRank > 0) throw notATypeName(text)
    typeArguments.push(...parseArguments(parser, depth))
  }
  if (text[parser.at] !== ',') throw notATypeName(text)
  parser.at++
  const assembly = readUntil(parser, '[],')
  readUntil(parser, '[]')
  if (name === '' || assembly === '') throw notATypeName(text)
  return { name, assembly, typeArguments, arrayRank }
}

function parseArguments(parser: Parser, depth: number): TypeName[] {
  const result: TypeName[] = []
  for (;;) {
    expect(parser, '[')
    result.push(parseQualified(parser, depth + 1))
    expect(parser, ']')
    if (parser.text[parser.at] === ']') {
      parser.at++
      return result
    }
    expect(parser, ',')
  }
}

function readUntil(parser: Parser, stops: string): string {
  const start = parser.at
  while (parser.at < parser.text.length && !stops.includes(parser.text[parser.at] ?? '')) parser.at++
  return parser.text.slice(start, parser.at).trim()
}

function expect(parser: Parser, character: string): void {
  while (parser.text[parser.at] === ' ') parser.at++
  if (parser.text[parser.at] !== character) throw notATypeName(parser.text)
  parser.at++
}

function notATypeName(text: string): HalibutError {
  return new HalibutError('ERR_UNKNOWN_TYPE', `'${text}' is not the name of a .NET type.`, {
    details: { type: text },
  })
}
