import { crc32, deflateRawSync, gzipSync } from 'node:zlib'

/**
 * One entry of a test archive. Nothing is checked: names that climb out of the folder, links to anywhere and sizes that
 * lie are what these makers are for.
 */
export interface ArchiveEntry {
  readonly name: string
  readonly content?: string | Uint8Array
  /** Permission bits; 0o644 for files and 0o755 for folders by default. */
  readonly mode?: number
  readonly type?: ArchiveEntryType
  /** What a link points to. */
  readonly target?: string
  readonly mtime?: Date
}

export type ArchiveEntryType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hardlink'
  | 'fifo'
  | 'character-device'
  | 'block-device'

/** How one entry of a zip is written beyond what it holds. */
export interface ZipEntry extends ArchiveEntry {
  readonly stored?: boolean
  /** As written by DOS and Windows programs: without permission bits. */
  readonly dos?: boolean
  readonly encrypted?: boolean
  /** The size that the directory claims, when it is to differ from the content's. */
  readonly claimedSize?: number
  /** The checksum that the directory claims, when it is to differ from the content's. */
  readonly claimedCrc?: number
}

const typeBits: Readonly<Record<ArchiveEntryType, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  hardlink: 0o100000,
  fifo: 0o010000,
  'character-device': 0o020000,
  'block-device': 0o060000,
}

const tarTypes: Readonly<Record<ArchiveEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

/** A zip file with these entries. A link holds its target as content, as zip programs on Unix write it. */
export function zipArchive(entries: readonly ZipEntry[]): Buffer {
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const part = zipEntry(entry, offset)
    bodies.push(part.body)
    directory.push(part.record)
    offset += part.body.length
  }
  return Buffer.concat([
    ...bodies,
    ...directory,
    zipEnd(entries.length, Buffer.concat(directory).length, offset),
  ])
}

/** A zip whose entries all share one compressed body: a few kilobytes that claim to be `count` times `size` bytes. */
export function overlappingZip(count: number, size: number): Buffer {
  const { body } = zipEntry({ name: 'f0', content: Buffer.alloc(size) }, 0)
  const records = Array.from({ length: count }, (_, index) =>
    zipRecord({ name: `f${String(index)}` }, { ...describeContent(Buffer.alloc(size), false), offset: 0 }),
  )
  return Buffer.concat([body, ...records, zipEnd(count, Buffer.concat(records).length, body.length)])
}

/** A NuGet package: the content beside the files that describe the package itself. */
export function nupkgArchive(id: string, version: string, entries: readonly ZipEntry[]): Buffer {
  const nuspec = `<?xml version="1.0"?>
<package xmlns="http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd">
  <metadata><id>${id}</id><version>${version}</version><authors>test</authors><description>test</description></metadata>
</package>`
  return zipArchive([
    { name: `${id}.nuspec`, content: nuspec },
    { name: '_rels/.rels', content: '<Relationships/>' },
    { name: '[Content_Types].xml', content: '<Types/>' },
    { name: 'package/services/metadata/core-properties/x.psmdcp', content: '<coreProperties/>' },
    ...entries,
  ])
}

/** A tar file with these entries; names that do not fit into a header come in a pax record before it. */
export function tarArchive(entries: readonly ArchiveEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)])
}

export function tarGzArchive(entries: readonly ArchiveEntry[]): Buffer {
  return gzipSync(tarArchive(entries))
}

interface ZipContent {
  readonly data: Buffer
  readonly size: number
  readonly crc: number
  readonly method: number
}

function describeContent(content: Buffer, stored: boolean): ZipContent {
  const data = stored ? content : deflateRawSync(content, { level: 9 })
  return { data, size: content.length, crc: crc32(content), method: stored ? 0 : 8 }
}

function zipEntry(entry: ZipEntry, offset: number): { body: Buffer; record: Buffer } {
  const content = Buffer.from(entry.type === 'symlink' ? (entry.target ?? '') : (entry.content ?? ''))
  const described = describeContent(content, entry.stored === true)
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  writeZipFields(header, 4, entry, described)
  return {
    body: Buffer.concat([header, Buffer.from(entry.name), described.data]),
    record: zipRecord(entry, { ...described, offset }),
  }
}

function zipRecord(entry: ZipEntry, content: ZipContent & { readonly offset: number }): Buffer {
  const record = Buffer.alloc(46)
  record.writeUInt32LE(0x02014b50, 0)
  record.writeUInt16LE(entry.dos === true ? 20 : (3 << 8) | 20, 4)
  writeZipFields(record, 6, entry, content)
  record.writeUInt32LE(entry.dos === true ? 0 : (unixMode(entry) << 16) >>> 0, 38)
  record.writeUInt32LE(content.offset, 42)
  return Buffer.concat([record, Buffer.from(entry.name)])
}

/** The fields that a local header and a directory record have in common, from "version needed" to the name length. */
function writeZipFields(target: Buffer, at: number, entry: ZipEntry, content: ZipContent): void {
  const time = entry.mtime ?? new Date(2024, 2, 9, 10, 20, 30)
  target.writeUInt16LE(20, at)
  target.writeUInt16LE(0x800 | (entry.encrypted === true ? 1 : 0), at + 2)
  target.writeUInt16LE(content.method, at + 4)
  target.writeUInt16LE((time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1), at + 6)
  target.writeUInt16LE(
    ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate(),
    at + 8,
  )
  target.writeUInt32LE(entry.claimedCrc ?? content.crc, at + 10)
  target.writeUInt32LE(content.data.length, at + 14)
  target.writeUInt32LE(entry.claimedSize ?? content.size, at + 18)
  target.writeUInt16LE(Buffer.byteLength(entry.name), at + 22)
}

function zipEnd(count: number, directorySize: number, directoryOffset: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(directorySize, 12)
  end.writeUInt32LE(directoryOffset, 16)
  return end
}

function unixMode(entry: ArchiveEntry): number {
  const type = entry.type ?? (entry.name.endsWith('/') ? 'directory' : 'file')
  return typeBits[type] | (entry.mode ?? (type === 'directory' ? 0o755 : 0o644))
}

function tarEntry(entry: ArchiveEntry): Buffer {
  const content = Buffer.from(entry.content ?? '')
  const records = paxRecords(entry)
  const pax =
    records === ''
      ? []
      : [
          tarHeader({ name: 'pax', typeFlag: 'x', size: Buffer.byteLength(records) }),
          padded(Buffer.from(records)),
        ]
  const type = entry.type ?? (entry.name.endsWith('/') ? 'directory' : 'file')
  const header = tarHeader({
    name: entry.name,
    typeFlag: tarTypes[type],
    size: content.length,
    mode: entry.mode ?? (type === 'directory' ? 0o755 : 0o644),
    target: entry.target ?? '',
    mtime: entry.mtime ?? new Date('2024-03-09T10:20:30Z'),
  })
  return Buffer.concat([...pax, header, padded(content)])
}

function paxRecords(entry: ArchiveEntry): string {
  const isLong = (text: string) => Buffer.byteLength(text) > 100 || text.includes('\0')
  return (
    (isLong(entry.name) ? paxRecord('path', entry.name) : '') +
    (isLong(entry.target ?? '') ? paxRecord('linkpath', entry.target ?? '') : '')
  )
}

/** `length key=value\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest)
  return `${String(length)}${rest}`
}

interface TarHeader {
  readonly name: string
  readonly typeFlag: string
  readonly size: number
  readonly mode?: number
  readonly target?: string
  readonly mtime?: Date
}

function tarHeader({
  name,
  typeFlag,
  size,
  mode = 0o644,
  target = '',
  mtime = new Date(0),
}: TarHeader): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  Buffer.from(name).subarray(0, 100).copy(header, 0)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8) + octal(0, 8), 108)
  header.write(octal(size, 12), 124)
  header.write(octal(Math.floor(mtime.getTime() / 1000), 12), 136)
  header.write(' '.repeat(8) + typeFlag, 148)
  Buffer.from(target).subarray(0, 100).copy(header, 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}
