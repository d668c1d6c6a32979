import type { Random } from './random.ts'
import type { Mutator } from './target.ts'

/** A member of a document, as the bytes of its parts: so it can be changed without understanding it. */
interface Member {
  type: number
  name: Uint8Array
  content: Uint8Array | Member[]
}

const containerTypes = [0x03, 0x04]
const fixedSizes: ReadonlyMap<number, number> = new Map([
  [0x01, 8],
  [0x06, 0],
  [0x08, 1],
  [0x09, 8],
  [0x0a, 0],
  [0x10, 4],
  [0x12, 8],
])

/** Texts that mean something to a codec or to the reader of type names. */
const texts = [
  '',
  '0',
  '-1',
  '1e400',
  'NaN',
  '9223372036854775808',
  '2024-02-30T25:00:00',
  '99999999.23:59:59.9999999',
  '00:00:00',
  '00112233-4455-6677-8899-AABBCCDDEEFF',
  'RunningScript',
  '__proto__',
  'Halibut.DataStream, Halibut',
  'Halibut.Transport.Protocol.RequestMessage, Halibut',
  'System.Byte[], mscorlib',
  'System.Collections.Generic.List`1[[System.String, mscorlib]], mscorlib',
  'System.Collections.Generic.Dictionary`2[[System.Int64, mscorlib],[System.String, mscorlib]], mscorlib',
  'System.Tuple`2[[System.String, mscorlib],[System.Int32, mscorlib]], mscorlib',
  'Tests.Command, Tests',
  'Tests.Status, Tests',
  '[[[[',
  'A[],B',
]

const names = [
  '',
  '$type',
  '$value',
  '$values',
  '$id',
  'Message',
  'params',
  'result',
  'error',
  'id',
  'length',
  '0',
  '__proto__',
]

/** The members of a document, or undefined when the bytes are no BSON. */
function parse(bytes: Buffer, start = 0, depth = 0): { members: Member[]; end: number } | undefined {
  if (depth > 200 || start + 5 > bytes.length) return undefined
  const end = start + bytes.readInt32LE(start)
  if (end < start + 5 || end > bytes.length) return undefined
  const members: Member[] = []
  let at = start + 4
  while (at < end - 1) {
    const type = bytes[at] ?? 0
    const nameEnd = bytes.indexOf(0, at + 1)
    if (nameEnd < 0 || nameEnd >= end) return undefined
    const name = bytes.subarray(at + 1, nameEnd)
    at = nameEnd + 1
    if (containerTypes.includes(type)) {
      const inner = parse(bytes, at, depth + 1)
      if (!inner) return undefined
      members.push({ type, name, content: inner.members })
      at = inner.end
      continue
    }
    const size = sizeOf(type, bytes, at)
    if (size === undefined || size < 0 || at + size > end) return undefined
    members.push({ type, name, content: bytes.subarray(at, at + size) })
    at += size
  }
  return { members, end }
}

function sizeOf(type: number, bytes: Buffer, at: number): number | undefined {
  const fixed = fixedSizes.get(type)
  if (fixed !== undefined) return fixed
  if (at + 4 > bytes.length) return undefined
  return bytes.readInt32LE(at) + (type === 0x05 ? 5 : 4)
}

function format(members: readonly Member[]): Buffer {
  const parts: Uint8Array[] = [new Uint8Array(4)]
  for (const { type, name, content } of members) {
    parts.push(Uint8Array.of(type), name, Uint8Array.of(0))
    parts.push(content instanceof Uint8Array ? content : format(content))
  }
  const result = Buffer.concat([...parts, Uint8Array.of(0)])
  result.writeInt32LE(result.length)
  return result
}

function* listsIn(members: Member[]): Generator<Member[]> {
  yield members
  for (const { content } of members) if (!(content instanceof Uint8Array)) yield* listsIn(content)
}

function stringContent(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`)
  const size = Buffer.alloc(4)
  size.writeInt32LE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** A scalar of any type, well formed. */
function scalar(random: Random): Pick<Member, 'type' | 'content'> {
  const type = random.pick([0x01, 0x02, 0x02, 0x02, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0e, 0x10, 0x12])
  if (type === 0x02 || type === 0x0e) return { type, content: stringContent(random.pick(texts)) }
  if (type === 0x05) {
    const bytes = random.bytes(random.pick([0, 1, 15, 16, 16, 17]))
    const head = Buffer.from([bytes.length, 0, 0, 0, random.pick([0, 0, 3, 4, 4, 128])])
    return { type, content: Buffer.concat([head, bytes]) }
  }
  const content = random.bytes(fixedSizes.get(type) ?? 0)
  if (random.oneIn(2)) content.fill(random.pick([0, 0xff, 0x7f]))
  return { type, content }
}

/** A copy with copies of what is in it: a list that came to stand in itself would have no end. */
function cloneOf(member: Member | undefined): Member | undefined {
  if (!member || member.content instanceof Uint8Array) return member && { ...member }
  return { ...member, content: member.content.map(inner => cloneOf(inner) ?? inner) }
}

type Change = (list: Member[], at: number, random: Random, others: readonly Member[][]) => void

const changes: readonly Change[] = [
  (list, at) => list.splice(at, 1),
  (list, at, random) => {
    const member = list[at]
    const times = random.oneIn(30) ? 500 : 1
    for (let i = 0; i < times; i++)
      list.splice(at, 0, ...[cloneOf(member)].filter(copy => copy !== undefined))
  },
  (list, at, random) => {
    const [moved] = list.splice(at, 1)
    if (moved) list.splice(random.below(list.length + 1), 0, moved)
  },
  (list, at, random) => {
    const member = list[at]
    if (member) Object.assign(member, scalar(random))
  },
  (list, at, random) => {
    const member = list[at]
    if (member) member.name = Buffer.from(random.pick(names))
  },
  (list, at, random) => {
    const member = list[at]
    if (member)
      member.type = random.oneIn(2) ? random.pick([...fixedSizes.keys(), 2, 3, 4, 5]) : random.next() & 0xff
  },
  (list, at, random) => list.splice(at, 0, { name: Buffer.from(random.pick(names)), ...scalar(random) }),
  (list, at, random) => {
    let [member] = list.splice(at, 1)
    for (let depth = random.pick([1, 2, 30, 62, 63, 64, 150]); depth > 0 && member; depth--)
      member = { type: random.pick(containerTypes), name: member.name, content: [member] }
    if (member) list.splice(at, 0, member)
  },
  (list, at, random, others) => {
    const list2 = random.pick(others)
    const copied = cloneOf(list2[random.below(list2.length)])
    const old = list[at]
    if (copied && old && random.oneIn(2)) copied.name = old.name
    if (copied) list.splice(at, random.below(2), copied)
  },
]

/** Changes the members of a document and keeps its lengths right. Bytes that are no document stay as they are. */
export const mutateBson: Mutator = (input, random, other) => {
  const members = parse(Buffer.from(input))?.members
  if (!members) return input
  const others = [...listsIn(parse(Buffer.from(other))?.members ?? []), members]
  for (let count = 1 + random.below(3); count > 0; count--) {
    const list = random.pick([...listsIn(members)])
    random.pick(changes)(list, random.below(list.length), random, others)
  }
  return format(members)
}

/** Puts another text in the place of a string, wherever it stands in a document. */
export function replaceText(document: Uint8Array, from: string, to: string): Uint8Array {
  const members = parse(Buffer.from(document))?.members
  if (!members) return document
  const wanted = stringContent(from)
  for (const list of listsIn(members)) {
    for (const member of list)
      if (member.content instanceof Uint8Array && wanted.equals(member.content))
        member.content = stringContent(to)
  }
  return format(members)
}
