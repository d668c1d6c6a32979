import { DeployerError } from '../errors.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { variableNames } from '../variables/variable-names.ts'

/** What an archive may become when it is unpacked. */
export interface ArchiveLimits {
  /** All files together, in bytes. */
  readonly maxBytes: number
  readonly maxEntries: number
  /** Unpacked bytes per byte of the archive; looked at only beyond `ratioFromBytes`. */
  readonly maxRatio: number
  readonly ratioFromBytes: number
}

/**
 * Far above real packages, which hold up to some ten gigabytes and some hundred thousand files. Deflate cannot do more
 * than 1032 : 1; text that repeats itself reaches 100 : 1, so 250 : 1 over a gigabyte is a bomb or an empty disk image.
 */
export const defaultArchiveLimits: ArchiveLimits = {
  maxBytes: 64 * 1024 ** 3,
  maxEntries: 1_000_000,
  maxRatio: 250,
  ratioFromBytes: 1024 ** 3,
}

const noLimits: ArchiveLimits = {
  maxBytes: Number.POSITIVE_INFINITY,
  maxEntries: Number.POSITIVE_INFINITY,
  maxRatio: Number.POSITIVE_INFINITY,
  ratioFromBytes: 0,
}

/** The limits that the variables `Octopus.Calamari.ArchiveLimits.*` set. A ratio that is set counts from the first byte. */
export function archiveLimits(variables: ExecutionVariables): ArchiveLimits {
  if (!variables.flag(variableNames.archiveLimitsEnabled, true)) return noLimits
  const maxRatio = variables.number(variableNames.archiveMaximumRatio)
  return {
    maxBytes: variables.number(variableNames.archiveMaximumSize) ?? defaultArchiveLimits.maxBytes,
    maxEntries: variables.number(variableNames.archiveMaximumEntries) ?? defaultArchiveLimits.maxEntries,
    maxRatio: maxRatio ?? defaultArchiveLimits.maxRatio,
    ratioFromBytes: maxRatio === undefined ? defaultArchiveLimits.ratioFromBytes : 0,
  }
}

/** Counts what comes out of one archive and throws ERR_ARCHIVE_LIMIT when it is too much. */
export class ArchiveMeter {
  private readonly limits: ArchiveLimits
  private readonly archiveBytes: number
  entries = 0
  bytes = 0

  constructor(limits: ArchiveLimits, archiveBytes: number) {
    this.limits = limits
    this.archiveBytes = archiveBytes
  }

  addEntry(): void {
    this.entries += 1
    if (this.entries <= this.limits.maxEntries) return
    throw tooMuch(`has more than ${this.limits.maxEntries} entries`, variableNames.archiveMaximumEntries)
  }

  addBytes(count: number): void {
    this.bytes += count
    this.check(this.bytes)
  }

  /** Refuses in advance what an archive announces. */
  announce(count: number): void {
    this.check(this.bytes + count)
  }

  private check(bytes: number): void {
    const { maxBytes, maxRatio, ratioFromBytes } = this.limits
    if (bytes > maxBytes)
      throw tooMuch(`unpacks to more than ${maxBytes} bytes`, variableNames.archiveMaximumSize)
    if (bytes > ratioFromBytes && bytes > maxRatio * this.archiveBytes) {
      throw tooMuch(`unpacks to more than ${maxRatio} times its own size`, variableNames.archiveMaximumRatio)
    }
  }
}

function tooMuch(what: string, variable: string): DeployerError {
  return new DeployerError(
    'ERR_ARCHIVE_LIMIT',
    `The package was refused: it ${what}. If it is meant to be like this, raise the variable ${variable}.`,
  )
}
