import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { UploadResult, UploadState } from '@tentacle/contracts'
import type { DataStream } from '@tentacle/halibut'
import { TentacleError } from '../errors.ts'
import type { FreeSpace } from '../workspaces/disk-space.ts'
import { digestOf, type PartialFile } from './partial-file.ts'
import { prepareTarget } from './target-file.ts'
import type { UploadRecords } from './upload-records.ts'
import { type FileVersion, versionOf } from './version-of-file.ts'

/** What is uploaded, and where to. */
export interface UploadParts {
  readonly id: string
  /** Absolute. */
  readonly target: string
  readonly partial: PartialFile
  readonly length: number
  /** SHA-1 of the whole in lower-case hex digits. */
  readonly hash: string
  readonly records: UploadRecords
  readonly freeSpace: FreeSpace
  /** Work that takes longer goes on while the caller asks again: its call must not run out of time. */
  readonly patienceMs: number
}

interface Work {
  readonly sender: string
  readonly abort: AbortController
  /** Never rejects. */
  readonly settled: Promise<unknown>
}

/**
 * One file on its way to this machine. What counts is what is on the disk; this object keeps order among the calls and
 * saves reading the file again for its digest.
 */
export class Upload {
  readonly #parts: UploadParts
  #work: Work | undefined
  #heldBytes = 0
  /** Digest of the file at the target, and of which state of it. */
  #known: { readonly version: string; readonly hash: string } | undefined

  constructor(parts: UploadParts) {
    this.#parts = parts
  }

  /** Whether a call works on it right now. */
  get isBusy(): boolean {
    return this.#work !== undefined
  }

  /** Says how many bytes are held, and finishes the upload when these are all. */
  start(sender: string): Promise<UploadState> {
    return this.#alone(sender, async () => {
      const { id, target, partial, length, hash, records, freeSpace } = this.#parts
      const held = await this.#look()
      // The answer to whoever sent the last byte may be lost.
      if (held === undefined && (await this.#isInPlace())) return this.#complete()
      await prepareTarget(target, length - (held ?? 0), freeSpace)
      await records.add(id, partial.path)
      if (held === undefined && length === 0) await partial.append(Readable.from([]), 0, () => {})
      if ((held ?? 0) < length) return { status: 'Open', heldBytes: held ?? 0, result: null }
      if ((await partial.digest()) !== hash) {
        await this.#discard()
        return { status: 'Damaged', heldBytes: 0, result: null }
      }
      await partial.finish()
      await records.remove(id)
      this.#known = { version: (await stateOf(target))?.version ?? '', hash }
      return this.#complete()
    })
  }

  /** Appends a part, if it begins where the file ends. */
  append(sender: string, offset: number, stream: DataStream): Promise<UploadState> {
    const { target, partial, length, freeSpace } = this.#parts
    if (offset < 0 || offset + stream.length > length) {
      throw new TentacleError(
        'ERR_FILE',
        `A part of ${stream.length} bytes at ${offset} is not a part of a file of ${length} bytes.`,
        { details: { path: target, offset, length } },
      )
    }
    const work = async (signal: AbortSignal): Promise<UploadState> => {
      const held = (await this.#look()) ?? 0
      if (held === offset) {
        await prepareTarget(target, length - held, freeSpace)
        const source = stream.read()
        const stop = () => void source.destroy()
        signal.addEventListener('abort', stop)
        if (signal.aborted) stop()
        await partial.append(source, offset, position => {
          this.#heldBytes = position
        })
      }
      return { status: 'Open', heldBytes: (await this.#look()) ?? 0, result: null }
    }
    return this.#alone(sender, work, Number.POSITIVE_INFINITY)
  }

  /**
   * Does one thing after another. A call of the same sender ends the one before it, which has lost its connection or will
   * soon know that it has.
   */
  async #alone(
    sender: string,
    run: (signal: AbortSignal) => Promise<UploadState>,
    ownPatienceMs = this.#parts.patienceMs,
  ): Promise<UploadState> {
    const before = this.#work
    if (before) {
      if (before.sender !== sender) return this.#busy()
      before.abort.abort()
      // Somebody else may be quicker in the moment after it.
      if (!(await isOver(before.settled, this.#parts.patienceMs)) || this.#work) return this.#busy()
    }
    const abort = new AbortController()
    const running = run(abort.signal)
    const settled = running
      .catch(() => {})
      .then(() => {
        this.#work = undefined
      })
    this.#work = { sender, abort, settled }
    return (await isOver(settled, ownPatienceMs)) ? running : this.#busy()
  }

  #busy(): UploadState {
    return { status: 'Busy', heldBytes: this.#heldBytes, result: null }
  }

  #complete(): UploadState {
    const { target, hash, length } = this.#parts
    const result: UploadResult = { fullPath: target, hash, length }
    return { status: 'Complete', heldBytes: length, result }
  }

  /** How much is there. More than there can be is nothing. */
  async #look(): Promise<number | undefined> {
    let held = await this.#parts.partial.size()
    if (held !== undefined && held > this.#parts.length) {
      await this.#discard()
      held = undefined
    }
    this.#heldBytes = held ?? 0
    return held
  }

  /** Whether the file at the target is this one already. */
  async #isInPlace(): Promise<boolean> {
    const { target, length, hash } = this.#parts
    const state = await stateOf(target)
    if (state?.length !== length) return false
    const { version } = state
    if (this.#known?.version !== version) this.#known = { version, hash: await digestOf(target) }
    return this.#known.hash === hash
  }

  async #discard(): Promise<void> {
    const { id, partial, records } = this.#parts
    await partial.discard()
    await records.remove(id)
  }
}

/** The state of the file there; undefined when there is none. */
async function stateOf(path: string): Promise<FileVersion | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found && versionOf(found)
}

/** Whether the work ends in time. */
async function isOver(work: Promise<unknown>, ms: number): Promise<boolean> {
  if (ms === Number.POSITIVE_INFINITY) {
    await work
    return true
  }
  const timer = new AbortController()
  const tooLate = delay(ms, false, { signal: timer.signal }).catch(() => false)
  const isDone = await Promise.race([work.then(() => true), tooLate])
  timer.abort()
  return isDone
}
