import { createReadStream } from 'node:fs'
import { Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract as createExtract, type Extract } from 'tar-stream'
import type { ArchiveFormat, UnpackOptions } from './archive-format.ts'
import { entryPath, unsafe } from './entry-path.ts'
import type { EntryAttributes, ExtractionTarget } from './extraction-target.ts'

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never

const readSize = 1024 * 1024
const inflateSize = 256 * 1024
const blockSize = 512

/** Bytes between entries and after the last one that are still taken for padding and long names. */
const maxPadding = 64 * 1024 * 1024

export const tarFormat: ArchiveFormat = {
  unpack: (file, target, options) => unpackTar(file, target, options, false),
}

export const tarGzipFormat: ArchiveFormat = {
  unpack: (file, target, options) => unpackTar(file, target, options, true),
}

async function unpackTar(
  file: string,
  target: ExtractionTarget,
  options: UnpackOptions,
  isGzip: boolean,
): Promise<void> {
  const extract = createExtract()
  const source = createReadStream(file, { highWaterMark: readSize })
  const padding = new PaddingMeter()
  const reading = isGzip
    ? pipeline(source, createGunzip({ chunkSize: inflateSize }), padding, extract)
    : pipeline(source, padding, extract)
  // Whatever ends the reading ends the loop below as well, with the same error.
  reading.catch(() => {})
  try {
    for await (const entry of extract) {
      padding.explained += blockSize + (entry.header.size ?? 0)
      const name = options.rename(entry.header.name)
      if (name !== undefined) await addEntry(entry, name, target, options)
      entry.resume()
    }
    await reading
  } finally {
    source.destroy()
  }
  if (source.bytesRead === 0) throw new Error('the file is empty')
}

/** Stops a file that is all padding: gigabytes of zeros compress to almost nothing and would be read for hours. */
class PaddingMeter extends Transform {
  explained = maxPadding
  private seen = 0

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.seen += chunk.length
    done(this.seen > this.explained ? new Error('it holds far more padding than content') : null, chunk)
  }
}

async function addEntry(
  entry: Entry,
  name: string,
  target: ExtractionTarget,
  { meter }: UnpackOptions,
): Promise<void> {
  const { header } = entry
  const path = entryPath(name, { backslashSeparates: false })
  const attributes: EntryAttributes = { name, path, mode: header.mode, mtime: header.mtime }
  meter.announce(header.size ?? 0)
  switch (header.type) {
    case 'directory':
      return await target.addFolder(attributes)
    case 'file':
    case 'contiguous-file':
      if (isSparse(header)) throw unsafe(name, 'is stored as a sparse file, which is not supported')
      return await target.addFile(attributes, entry)
    case 'symlink':
      return await target.addSymbolicLink(attributes, header.linkname ?? '')
    case 'link':
      return await target.addHardLink(
        attributes,
        entryPath(header.linkname ?? '', { backslashSeparates: false }),
      )
    case 'character-device':
    case 'block-device':
    case 'fifo':
      throw unsafe(name, 'is a device or a pipe')
    default:
      throw unsafe(name, 'is of a kind that is not supported')
  }
}

/** Sparse files carry a map instead of their holes; taken as plain files they would come out wrong. */
function isSparse(header: { readonly pax?: unknown }): boolean {
  const { pax } = header
  return (
    typeof pax === 'object' && pax !== null && Object.keys(pax).some(key => key.startsWith('GNU.sparse.'))
  )
}
