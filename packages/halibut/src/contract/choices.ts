import { BsonDouble } from '../frame/bson-value.ts'
import { type Codec, unexpected } from './codec.ts'
import { isSameShape, isSameType, parseTypeName, systemType } from './type-name.ts'

/** A value that may be null. */
export function nullable<T>(inner: Codec<T>): Codec<T | null> {
  return {
    // Only value types are wrapped in Nullable, and those are not told apart by their `$type`.
    typeName: inner.typeName,
    accepts(type) {
      const [argument] = type.typeArguments
      const isNullable =
        argument !== undefined && isSameShape(type, systemType('System.Nullable`1', [argument]))
      return isNullable ? inner.accepts(argument) : inner.accepts(type)
    },
    write(out, name, value, context) {
      if (value === null || value === undefined) out.nothing(name)
      else inner.write(out, name, value, context)
    },
    writeTagged(out, name, value, context) {
      if (value === null || value === undefined) out.nothing(name)
      else inner.writeTagged(out, name, value, context)
    },
    read: (value, context) => (value === null || value === undefined ? null : inner.read(value, context)),
    fit: value => (value === null ? 'exact' : inner.fit(value)),
  }
}

/**
 * A .NET enum: the names here, the numbers on the wire, and the names again as keys of a dictionary. A value that was
 * not sent is the one with the number 0.
 *
 * @param dotnet the name of the enum, needed only where a collection of it travels in an `object` slot
 * @param alsoReads more names under which the enum is read
 */
export function enumeration<const V extends Readonly<Record<string, number>>>(
  values: V,
  dotnet = 'System.Enum, mscorlib',
  alsoReads: readonly string[] = [],
): Codec<keyof V & string> {
  type Name = keyof V & string
  const typeName = parseTypeName(dotnet)
  const readTypes = [typeName, ...alsoReads.map(parseTypeName)]
  const names = Object.keys(values) as Name[]
  const byNumber = new Map<number, Name>(
    Object.entries(values).map(([name, number]) => [number, name as Name]),
  )
  const byName: ReadonlyMap<string, number> = new Map(Object.entries(values))
  const byLowerName = new Map(names.map(name => [name.toLowerCase(), name]))
  const wanted = `one of ${names.join(', ')}`

  function numberOf(name: Name): number {
    const number = byName.get(name)
    if (number === undefined) throw new TypeError(`'${String(name)}' is not ${wanted}.`)
    return number
  }

  function named(text: string): Name {
    const name = byLowerName.get(text.toLowerCase()) ?? byNumber.get(Number(text))
    if (name === undefined) throw unexpected(wanted, text)
    return name
  }

  return {
    typeName,
    key: {
      write: name => {
        numberOf(name)
        return name
      },
      read: named,
    },
    accepts: type => readTypes.some(known => isSameType(type, known)),
    write: (out, name, value) => out.int32(name, numberOf(value)),
    writeTagged: (out, name, value) => out.int32(name, numberOf(value)),
    read(value) {
      if (typeof value === 'string') return named(value)
      const number =
        value === undefined || value === null ? 0 : value instanceof BsonDouble ? value.value : value
      const name = typeof number === 'number' ? byNumber.get(number) : undefined
      if (name === undefined) throw unexpected(wanted, value)
      return name
    },
    fit: value => (typeof value === 'number' && byNumber.has(value) ? 'loose' : 'none'),
  }
}
