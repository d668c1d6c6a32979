import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import type { ArchiveFormat, UnpackOptions } from './archive-format.ts'
import { ArchiveMeter } from './archive-limits.ts'
import { entryPath, unsafe } from './entry-path.ts'
import type { EntryAttributes, ExtractionTarget } from './extraction-target.ts'

const inflateSize = 256 * 1024
const fileTypeMask = 0o170000
const fileTypes = { none: 0, regular: 0o100000, folder: 0o040000, link: 0o120000 } as const

/** Systems whose zip programs put permission bits into the upper half of the attributes: Unix and macOS. */
const unixSystems = new Set([3, 19])

/** The longest target of a link that is read, in bytes; what systems allow. */
const maxLinkTarget = 4096

/** Zip files, and the formats that are zips by another name. */
export const zipFormat: ArchiveFormat = { unpack: unpackZip }

async function unpackZip(file: string, target: ExtractionTarget, options: UnpackOptions): Promise<void> {
  const zip = await yauzl.openPromise(file, { decodeStrings: false, validateEntrySizes: true })
  try {
    for await (const entry of zip.eachEntry()) await unpackEntry(zip, entry, target, options)
  } finally {
    zip.close()
  }
}

/** Reads one small file of a zip by a test on its name; `undefined` when there is none. `maxBytes` bounds its size. */
export async function readZipEntry(
  file: string,
  isWanted: (name: string) => boolean,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const zip = await yauzl.openPromise(file, { decodeStrings: false, validateEntrySizes: true })
  try {
    for await (const entry of zip.eachEntry()) {
      if (!isWanted(nameOf(entry))) continue
      const { size } = await stat(file)
      new ArchiveMeter(
        { maxBytes, maxEntries: 1, maxRatio: Number.POSITIVE_INFINITY, ratioFromBytes: 0 },
        size,
      ).announce(entry.uncompressedSize)
      return Buffer.concat(await collect(zip, entry))
    }
    return undefined
  } finally {
    zip.close()
  }
}

async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  target: ExtractionTarget,
  options: UnpackOptions,
): Promise<void> {
  const name = options.rename(nameOf(entry))
  if (name === undefined) return
  const attributes = attributesOf(entry, name)
  const type = unixModeOf(entry) & fileTypeMask
  options.meter.announce(entry.uncompressedSize)
  if (name.endsWith('/') || name.endsWith('\\') || type === fileTypes.folder)
    return await target.addFolder(attributes)
  if (type === fileTypes.link) {
    if (entry.uncompressedSize > maxLinkTarget)
      throw unsafe(name, 'is a link with a target that no system takes')
    return await target.addSymbolicLink(attributes, Buffer.concat(await collect(zip, entry)).toString('utf8'))
  }
  if (type !== fileTypes.none && type !== fileTypes.regular)
    throw unsafe(name, 'is a device, a pipe or a socket')
  await target.addFile(attributes, content(zip, entry))
}

/** The decompressed bytes, checked against the size and the checksum of the directory. */
async function* content(zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let checksum = 0
  let size = 0
  for await (const chunk of await inflated(zip, entry)) {
    const bytes: Buffer = chunk
    checksum = crc32(bytes, checksum)
    size += bytes.length
    if (size > entry.uncompressedSize) break
    yield bytes
  }
  if (size !== entry.uncompressedSize)
    throw new Error(`the size of ${JSON.stringify(nameOf(entry))} is wrong`)
  if (checksum !== entry.crc32) throw new Error(`the checksum of ${JSON.stringify(nameOf(entry))} is wrong`)
}

/** Inflates in pieces of 256 KiB; in the 16 KiB of yauzl the same work takes some 13 % more processor time. */
async function inflated(zip: ZipFile, entry: Entry): Promise<Readable> {
  if (entry.isEncrypted()) throw new Error(`${JSON.stringify(nameOf(entry))} is encrypted`)
  if (!entry.canDecodeFileData())
    throw new Error(`${JSON.stringify(nameOf(entry))} is compressed in a way that is not known`)
  const packed = await zip.openReadStreamPromise(entry, { decodeFileData: false })
  if (entry.compressionMethod === 0) return packed
  const chunkSize = Math.min(inflateSize, Math.max(64, entry.uncompressedSize))
  const inflate = createInflateRaw({ chunkSize })
  packed.on('error', error => inflate.destroy(error))
  inflate.on('close', () => packed.destroy())
  return packed.pipe(inflate)
}

async function collect(zip: ZipFile, entry: Entry): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for await (const chunk of content(zip, entry)) chunks.push(chunk)
  return chunks
}

function nameOf(entry: Entry): string {
  return yauzl.getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true)
}

function unixModeOf(entry: Entry): number {
  return unixSystems.has(entry.versionMadeBy >> 8) ? entry.externalFileAttributes >>> 16 : 0
}

function attributesOf(entry: Entry, name: string): EntryAttributes {
  return {
    name,
    path: entryPath(name, { backslashSeparates: true }),
    mode: unixModeOf(entry),
    mtime: entry.getLastModDate(),
  }
}
