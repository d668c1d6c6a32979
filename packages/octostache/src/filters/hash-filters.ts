import { createHash } from 'node:crypto'
import { decodeBase64 } from './escape-filters.ts'
import type { Filter, FilterTable } from './filter-table.ts'

/** Lower-case hex of the hash; options in any order: how many bytes of it, and how the input becomes bytes. */
function hashFilter(algorithm: string): Filter {
  return (input, options) => {
    if (input === undefined || options.length > 2) return undefined
    const sizes = options.filter(option => /^\d{1,3}$/.test(option))
    const encodings = options.filter(option => !/^\d{1,3}$/.test(option))
    if (sizes.length > 1 || encodings.length > 1) return undefined
    const bytes = bytesOf(input, encodings[0])
    if (bytes === undefined) return undefined
    const hash = createHash(algorithm).update(bytes).digest()
    const size = sizes[0] === undefined ? hash.length : Number(sizes[0])
    return size > 0 && size <= hash.length ? hash.subarray(0, size).toString('hex') : undefined
  }
}

function bytesOf(input: string, encoding: string | undefined): Buffer | undefined {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case 'utf8':
    case 'utf-8':
      return Buffer.from(input, 'utf8')
    case 'unicode':
      return Buffer.from(input, 'utf16le')
    case 'base64':
      return decodeBase64(input)
    default:
      return undefined
  }
}

export const hashFilters: FilterTable = {
  md5: hashFilter('md5'),
  sha1: hashFilter('sha1'),
  sha256: hashFilter('sha256'),
  sha384: hashFilter('sha384'),
  sha512: hashFilter('sha512'),
}
