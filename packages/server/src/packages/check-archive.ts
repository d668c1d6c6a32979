import type { FileHandle } from 'node:fs/promises'

/** The longest end of a zip file: its closing record with the longest possible comment. */
const zipEndBytes = 22 + 65_535

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** A tar header is right when its bytes, with blanks in place of the sum, add up to the sum that it holds. */
function isTarHeader(block: Buffer): boolean {
  if (block.length < 512) return false
  const told = Number.parseInt(block.toString('latin1', 148, 156).replace(/\0.*$/, '').trim(), 8)
  let sum = 8 * 0x20
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte
  return told === sum
}

async function isZip(file: FileHandle, size: number): Promise<boolean> {
  const length = Math.min(size, zipEndBytes)
  const end = await readAt(file, size - length, length)
  return end.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06])) >= 0
}

/**
 * Looks whether a file can be the archive that its name promises: a text file, an error page that was saved as a
 * package, or half a zip is found here and not on the target. Gives the problem, or undefined when all is well.
 */
export async function archiveProblem(
  file: FileHandle,
  size: number,
  extension: string,
): Promise<string | undefined> {
  if (size === 0) return 'The file is empty.'
  const head = await readAt(file, 0, 512)
  const kind = extension.toLowerCase()
  const starts = (...bytes: readonly number[]): boolean => bytes.every((byte, index) => head[index] === byte)
  switch (kind) {
    case '.tar.gz':
    case '.tgz':
      return starts(0x1f, 0x8b, 0x08) ? undefined : 'It is not compressed with gzip.'
    case '.tar.bz2':
    case '.tbz':
      return starts(0x42, 0x5a, 0x68) ? undefined : 'It is not compressed with bzip2.'
    case '.tar':
      return isTarHeader(head) ? undefined : 'It does not begin with the header of a tar archive.'
    default: {
      const isStart = starts(0x50, 0x4b, 0x03, 0x04) || starts(0x50, 0x4b, 0x05, 0x06)
      if (!isStart) return 'It does not begin like a zip archive.'
      return (await isZip(file, size))
        ? undefined
        : 'The end of the zip archive is missing: the file is cut off.'
    }
  }
}
