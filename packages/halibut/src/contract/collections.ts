import { BsonDocument, type BsonValue } from '../frame/bson-value.ts'
import type { BsonWriter, MemberName } from '../frame/bson-writer.ts'
import {
  type AnyCodec,
  type Codec,
  type ReadContext,
  TypeTagCheck,
  unexpected,
  type ValueOf,
  type WriteContext,
} from './codec.ts'
import { PackedList } from './packed-list.ts'
import { arrayOf, elementOf, isSameShape, systemType, type TypeName } from './type-name.ts'

const listName = 'System.Collections.Generic.List`1'
const setName = 'System.Collections.Generic.HashSet`1'

/** Shapes that are read as each other: to us all of them are arrays. */
const sequenceNames: readonly string[] = [
  listName,
  setName,
  'System.Collections.ObjectModel.ReadOnlyCollection`1',
  'System.Collections.ObjectModel.Collection`1',
]

function acceptsSequence(type: TypeName, element: AnyCodec): boolean {
  const ofArray = elementOf(type)
  if (ofArray) return element.accepts(ofArray)
  const [argument] = type.typeArguments
  return (
    argument !== undefined &&
    sequenceNames.some(name => isSameShape(type, systemType(name, [argument]))) &&
    element.accepts(argument)
  )
}

function sequence<T>(typeName: TypeName, element: Codec<T>): Codec<readonly T[]> {
  const accepts = (type: TypeName) => acceptsSequence(type, element)
  const tag = new TypeTagCheck(typeName, accepts)

  function writeElements(
    out: BsonWriter,
    name: MemberName,
    value: readonly T[],
    context: WriteContext,
  ): void {
    // A Set has no length: it would be written as an empty array without a word.
    if (!Array.isArray(value)) throw new TypeError(`A value for ${tag.text} must be an array.`)
    if (value instanceof PackedList) {
      out.packedArray(name, value)
      return
    }
    out.openArray(name)
    for (let i = 0; i < value.length; i++) element.write(out, i, value[i] as T, context)
    out.close()
  }

  function readElements(value: BsonValue | undefined, context: ReadContext): readonly T[] {
    if (!Array.isArray(value)) throw unexpected(tag.text, value)
    return value.map((item: BsonValue) => element.read(item, context))
  }

  return {
    typeName,
    accepts,
    write: writeElements,
    writeTagged(out, name, value, context) {
      out.openDocument(name)
      out.string('$type', tag.text)
      writeElements(out, '$values', value, context)
      out.close()
    },
    read(value, context) {
      if (value === undefined || value === null) return []
      if (!(value instanceof BsonDocument)) return readElements(value, context)
      tag.check(value)
      return readElements(value.exact('$values'), context)
    },
    fit: value => tag.fit(value, Array.isArray),
  }
}

/** `List<T>`. Any sequence of the element type is read. */
export function list<T>(element: Codec<T>): Codec<readonly T[]> {
  return sequence(systemType(listName, [element.typeName]), element)
}

/** `T[]`. Any sequence of the element type is read. */
export function array<T>(element: Codec<T>): Codec<readonly T[]> {
  return sequence(arrayOf(element.typeName), element)
}

/** `HashSet<T>`, as an array in the order of the wire: .NET's sets have no order, and ours holds objects as well. */
export function set<T>(element: Codec<T>): Codec<readonly T[]> {
  return sequence(systemType(setName, [element.typeName], 'System.Core'), element)
}

const dictionaryName = 'System.Collections.Generic.Dictionary`2'

/** Members that .NET takes for its own. A dictionary with such a key could not be read back. */
const metadataNames: ReadonlySet<string> = new Set(['$type', '$id', '$ref', '$value', '$values'])

/** `Dictionary<K, V>` as a Map. Keys keep their order. */
export function dictionary<K, V>(key: Codec<K>, value: Codec<V>): Codec<ReadonlyMap<K, V>> {
  const form = key.key
  if (!form) throw new TypeError(`The type ${key.typeName.name} cannot be the key of a dictionary.`)
  const typeName = systemType(dictionaryName, [key.typeName, value.typeName])
  const accepts = (type: TypeName) => {
    const [ofKey, ofValue] = type.typeArguments
    return isSameShape(type, typeName) && !!ofKey && !!ofValue && key.accepts(ofKey) && value.accepts(ofValue)
  }
  const tag = new TypeTagCheck(typeName, accepts)

  function writeEntries(out: BsonWriter, entries: ReadonlyMap<K, V>, context: WriteContext): void {
    for (const [entryKey, entryValue] of entries) {
      const name = form?.write(entryKey) ?? ''
      if (metadataNames.has(name))
        throw new TypeError(`A dictionary on the wire cannot have the key '${name}'.`)
      value.write(out, name, entryValue, context)
    }
  }

  return {
    typeName,
    accepts,
    write(out, name, entries, context) {
      out.openDocument(name)
      writeEntries(out, entries, context)
      out.close()
    },
    writeTagged(out, name, entries, context) {
      out.openDocument(name)
      out.string('$type', tag.text)
      writeEntries(out, entries, context)
      out.close()
    },
    read(document, context) {
      const result = new Map<K, V>()
      if (document === undefined || document === null) return result
      if (!(document instanceof BsonDocument)) throw unexpected(tag.text, document)
      tag.check(document)
      for (const [name, entryValue] of document.members) {
        if (!metadataNames.has(name)) result.set(form.read(name), value.read(entryValue, context))
      }
      return result
    },
    fit: document => tag.fit(document, other => other instanceof BsonDocument),
  }
}

/** The types of the values of several codecs, in their order. */
export type ValuesOf<C extends readonly AnyCodec[]> = { -readonly [I in keyof C]: ValueOf<C[I]> }

/** `System.Tuple<…>` of one to seven values, as an array. */
export function tuple<const C extends readonly AnyCodec[]>(...items: C): Codec<ValuesOf<C>> {
  const typeName = systemType(
    `System.Tuple\`${items.length}`,
    items.map(item => item.typeName),
  )
  const accepts = (type: TypeName) =>
    isSameShape(type, typeName) &&
    items.every((item, index) => {
      const argument = type.typeArguments[index]
      return argument !== undefined && item.accepts(argument)
    })
  const tag = new TypeTagCheck(typeName, accepts)

  function writeItems(out: BsonWriter, values: readonly unknown[], context: WriteContext): void {
    for (const [index, item] of items.entries()) item.write(out, `Item${index + 1}`, values[index], context)
  }

  return {
    typeName,
    accepts,
    write(out, name, values, context) {
      out.openDocument(name)
      writeItems(out, values, context)
      out.close()
    },
    writeTagged(out, name, values, context) {
      out.openDocument(name)
      out.string('$type', tag.text)
      writeItems(out, values, context)
      out.close()
    },
    read(value, context) {
      if (!(value instanceof BsonDocument)) throw unexpected(tag.text, value)
      tag.check(value)
      return items.map((item, index) => item.read(value.get(`Item${index + 1}`), context)) as ValuesOf<C>
    },
    fit: value => tag.fit(value, other => other instanceof BsonDocument),
  }
}
