import type { BigIntStats } from 'node:fs'

/** Which state of a file it is. */
export interface FileVersion {
  /** Changes when the file does, or another one takes its place. */
  readonly version: string
  readonly length: number
}

/** The state of a file by what the system says of it; undefined for what is no file. */
export function versionOf(found: BigIntStats): FileVersion | undefined {
  const { size, mtimeNs, ino } = found
  return found.isFile() ? { version: `${size}-${mtimeNs}-${ino}`, length: Number(size) } : undefined
}
