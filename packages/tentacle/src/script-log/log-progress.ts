import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/**
 * How far a script has come, as the last commit of its log says. Lines that the agent itself writes belong to stages,
 * so that a restarted agent knows which of them are there already.
 */
export type LogStage = 'new' | 'queued' | 'started' | 'ended'

const stages: readonly LogStage[] = ['new', 'queued', 'started', 'ended']

/** What is certain: everything up to here is in the log, everything after is to be read (again). */
export interface LogProgress {
  /** Bytes of `Output.log` that count. Later bytes are leftovers of a commit that was not finished. */
  readonly logBytes: number
  readonly entries: number
  /** Bytes of the raw output that have become entries. */
  readonly stdoutBytes: number
  readonly stderrBytes: number
  readonly stage: LogStage
  /** The result, from the stage `ended` on. */
  readonly exitCode: number
}

export const noProgress: LogProgress = {
  logBytes: 0,
  entries: 0,
  stdoutBytes: 0,
  stderrBytes: 0,
  stage: 'new',
  exitCode: 0,
}

const slotBytes = 128

/**
 * Keeps the progress of a log in a small file. Commits go to its two slots in turn, each with a check sum: whatever
 * happens during a commit, the one before is still there. That is one write, where a file that is written beside and
 * renamed takes four calls, and chatty scripts commit some hundred times a second.
 */
export class ProgressFile {
  readonly #file: number
  #commits: number

  private constructor(file: number, commits: number) {
    this.#file = file
    this.#commits = commits
  }

  static create(path: string): ProgressFile {
    return new ProgressFile(openSync(path, 'wx', 0o600), 0)
  }

  /** Opens the file of an earlier agent, or makes an empty one. */
  static open(path: string): { readonly file: ProgressFile; readonly progress: LogProgress | undefined } {
    const file = openOrCreate(path)
    const bytes = Buffer.alloc(2 * slotBytes)
    readSync(file, bytes, 0, bytes.length, 0)
    const found = lastCommit(bytes)
    return { file: new ProgressFile(file, found?.number ?? 0), progress: found?.progress }
  }

  /** Reads the progress without keeping the file open; undefined when there is none. */
  static peek(path: string): LogProgress | undefined {
    try {
      return lastCommit(readFileSync(path))?.progress
    } catch {
      return undefined
    }
  }

  commit(progress: LogProgress): void {
    const number = this.#commits + 1
    const slot = Buffer.from(formatSlot(number, progress), 'latin1')
    writeSync(this.#file, slot, 0, slot.length, (number % 2) * slotBytes)
    this.#commits = number
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** For reading and writing at any position: `a+` would ignore positions, and `r+` makes no file. */
export function openOrCreate(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
}

interface Slot {
  readonly number: number
  readonly progress: LogProgress
}

function lastCommit(bytes: Buffer): Slot | undefined {
  return [0, slotBytes]
    .map(at => parseSlot(bytes.toString('latin1', at, at + slotBytes)))
    .filter(slot => slot !== undefined)
    .sort((a, b) => b.number - a.number)[0]
}

function formatSlot(number: number, progress: LogProgress): string {
  const { logBytes, entries, stdoutBytes, stderrBytes, stage, exitCode } = progress
  const body = [number, logBytes, entries, stdoutBytes, stderrBytes, stages.indexOf(stage), exitCode].join(
    ' ',
  )
  return `${body} ${crc32(body)}`.padEnd(slotBytes - 1).concat('\n')
}

function parseSlot(slot: string): { readonly number: number; readonly progress: LogProgress } | undefined {
  const text = slot.trimEnd()
  const split = text.lastIndexOf(' ')
  const body = text.slice(0, split)
  if (split < 0 || String(crc32(body)) !== text.slice(split + 1)) return undefined
  const [
    number = 0,
    logBytes = 0,
    entries = 0,
    stdoutBytes = 0,
    stderrBytes = 0,
    stageNumber = 0,
    exitCode = 0,
  ] = body.split(' ').map(Number)
  const stage = stages[stageNumber]
  if (stage === undefined) return undefined
  return { number, progress: { logBytes, entries, stdoutBytes, stderrBytes, stage, exitCode } }
}
