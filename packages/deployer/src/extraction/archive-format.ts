import type { ArchiveMeter } from './archive-limits.ts'
import type { ExtractionTarget } from './extraction-target.ts'

export interface UnpackOptions {
  readonly meter: ArchiveMeter
  readonly signal: AbortSignal | undefined
  /** The name under which an entry is unpacked; `undefined` leaves it out. */
  readonly rename: (name: string) => string | undefined
}

/** How one kind of archive is unpacked. What it throws that is no DeployerError means that the archive is damaged. */
export interface ArchiveFormat {
  unpack(file: string, target: ExtractionTarget, options: UnpackOptions): Promise<void>
}
