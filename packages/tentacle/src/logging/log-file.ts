import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { LogLevel } from './levels.ts'
import type { LogSink } from './log.ts'
import { formatLogLine, localDate } from './log-line.ts'

/** How a log file is kept. */
export interface LogFileOptions {
  /** Where the file is. Asked before each entry, because the home is known only after the first steps of a run. */
  readonly folder: () => string
  readonly now: () => Date
  readonly processId: number
  /** Replaces secrets before anything is written. */
  readonly mask: (text: string) => string
  /** Lines that come before the first entry of this process; asked for once, when there is one. */
  readonly header?: () => readonly string[]
}

const fileName = 'OctopusTentacle.txt'
const archivesKept = 7

/** A lock of another process that is rotating is respected for this long, in ms. Rotating takes a few renames. */
const rotationLockMs = 60_000

/**
 * Writes the log of a home: `Logs/OctopusTentacle.txt`, of which each past day becomes `OctopusTentacle.0.txt` (the
 * newest) to `OctopusTentacle.6.txt`. The file is opened for each entry, so that several processes can share it and
 * anybody can move it away. A log that cannot be written must not stop what it tells about: failures are swallowed and
 * the next entry tries again.
 */
export function fileSink(options: LogFileOptions): LogSink {
  let checked = ''
  let started = false

  return (level, text) => {
    const now = options.now()
    const folder = options.folder()
    const path = join(folder, fileName)
    const append = (line: LogLevel, message: string): void => {
      appendTo(path, folder, options.mask(formatLogLine(now, options.processId, line, message)))
    }
    try {
      const place = `${folder} ${localDate(now)}`
      if (checked !== place) {
        mkdirSync(folder, { recursive: true })
        rotateIfOld(path, folder, now)
        checked = place
      }
      if (!started) {
        started = true
        for (const line of options.header?.() ?? []) append('info', line)
      }
      append(level, text)
    } catch {
      checked = ''
    }
  }
}

/**
 * What root logs goes into the file of the account that the folder belongs to: otherwise the agent, which runs as that
 * account, could not write there any more. Nor does root follow a link that the account put in the place of the file.
 */
function appendTo(path: string, folder: string, text: string): void {
  const owner = process.getuid?.() === 0 ? statSync(folder) : undefined
  const isForeign = owner !== undefined && owner.uid !== 0
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants
  const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | (isForeign ? O_NOFOLLOW : 0), 0o640)
  try {
    if (isForeign) {
      const { uid, size } = fstatSync(file)
      if (uid === 0 && size === 0) fchownSync(file, owner.uid, owner.gid)
    }
    writeSync(file, text)
  } finally {
    closeSync(file)
  }
}

/** Moves the file aside if its last entry is of an earlier day. One process does it; the others go on appending. */
function rotateIfOld(path: string, folder: string, now: Date): void {
  if (!isOfEarlierDay(path, now)) return
  const lock = join(folder, 'OctopusTentacle.rotating')
  if (!takeLock(lock, now)) return
  try {
    if (!isOfEarlierDay(path, now)) return
    const archive = (number: number) => join(folder, `OctopusTentacle.${number}.txt`)
    rmSync(archive(archivesKept - 1), { force: true })
    for (let number = archivesKept - 2; number >= 0; number -= 1) {
      if (existsSync(archive(number))) renameSync(archive(number), archive(number + 1))
    }
    renameSync(path, archive(0))
  } finally {
    rmSync(lock, { force: true })
  }
}

function isOfEarlierDay(path: string, now: Date): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && localDate(stats.mtime) < localDate(now)
}

function takeLock(lock: string, now: Date): boolean {
  const age = now.getTime() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN)
  if (age > rotationLockMs) rmSync(lock, { force: true })
  try {
    closeSync(openSync(lock, 'wx', 0o600))
    return true
  } catch {
    return false
  }
}
