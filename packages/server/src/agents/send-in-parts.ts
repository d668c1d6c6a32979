import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  isShuttingDown,
  type ResumableUpload,
  type UploadResult,
  type UploadState,
} from '@tentacle/contracts'
import { DataStream, isRetryable } from '@tentacle/halibut'
import { ServerError, toError } from '../errors.ts'
import type { RetryRules, TentacleCall } from './rpc-retries.ts'

/** Large enough that what is between two parts costs nothing, small enough for other calls to have their turn. */
const partBytes = 64 * 1024 * 1024

/** Pause before an agent is asked again whose file somebody else is sending. */
const busyPauseMs = 1_000

/** A file of this server that is sent to an agent which can go on with it. */
export interface FileInParts extends ResumableUpload {
  /** Here. */
  readonly path: string
}

/** The two calls of the service. */
export interface PartCalls {
  /** Repeats itself while the network is to blame. */
  start(upload: ResumableUpload): Promise<UploadState>
  /** Does not: first it has to be known how much of the part has arrived. */
  part(upload: ResumableUpload, offset: number, part: DataStream): Promise<UploadState>
}

/** How a file is sent. */
export interface PartSending {
  readonly rules: RetryRules
  readonly call: TentacleCall
  /** Told how much of the file the agent has, or will have when what is on its way has arrived. */
  readonly onSent: (bytes: number) => void
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power - 1]}`
}

/**
 * Sends a file, and goes on with it after each break of the connection: docs/wire/orchestration.md, packages. It gives up
 * when nothing more has arrived for as long as the rules say, however long the whole takes.
 *
 * @throws HalibutError the last error of the network
 * @throws ServerError `ERR_CONFLICT` when what arrives is not what the file should be
 */
export async function sendInParts(
  file: FileInParts,
  calls: PartCalls,
  sending: PartSending,
): Promise<UploadResult> {
  return new PartSender(file, calls, sending).send()
}

class PartSender {
  readonly #file: FileInParts
  readonly #calls: PartCalls
  readonly #sending: PartSending
  /** Attempts without any progress. */
  #failures = 0
  #heldBytes = 0
  #progressAt = performance.now()
  #wasDamaged = false
  #isWaiting = false

  constructor(file: FileInParts, calls: PartCalls, sending: PartSending) {
    this.#file = file
    this.#calls = calls
    this.#sending = sending
  }

  async send(): Promise<UploadResult> {
    let state = await this.#start()
    if (state.heldBytes > 0) await this.#tellPosition(state)
    while (state.result === null) {
      this.#note(state)
      switch (state.status) {
        case 'Busy':
          state = await this.#wait()
          break
        case 'Damaged':
          await this.#beginAgain()
          state = await this.#start()
          break
        default:
          state = await this.#sendPart(state.heldBytes)
      }
    }
    return state.result
  }

  #start(): Promise<UploadState> {
    return this.#calls.start(this.#file)
  }

  #note({ heldBytes }: UploadState): void {
    if (heldBytes !== this.#heldBytes) {
      this.#failures = 0
      this.#progressAt = performance.now()
    }
    this.#heldBytes = heldBytes
    this.#sending.onSent(heldBytes)
  }

  async #sendPart(offset: number): Promise<UploadState> {
    const { path, length } = this.#file
    const size = Math.min(partBytes, length - offset)
    const read = () =>
      createReadStream(path, { start: offset, end: offset + size - 1, highWaterMark: 256 * 1024 })
    const onProgress = (sent: number): void => this.#sending.onSent(offset + sent)
    const part = DataStream.from(size, read, { onProgress })
    try {
      const state = await this.#calls.part(this.#file, offset, part)
      if (state.status !== 'Open' || state.heldBytes !== offset) return state
      throw new ServerError('ERR_CONFLICT', `The Tentacle does not take the bytes at ${offset} of ${length}.`)
    } catch (error) {
      await this.#pauseAfter(error)
      const state = await this.#start()
      await this.#tellPosition(state)
      return state
    }
  }

  /** Throws the error when there is no use in another attempt. */
  async #pauseAfter(error: unknown): Promise<void> {
    const { rules, call } = this.#sending
    const mayHelp = isRetryable(error) || isShuttingDown(error) || error instanceof ServerError
    if (call.signal.aborted || !mayHelp || !rules.enabled) throw error
    const pauseMs = Math.min(++this.#failures, 10) * 1_000
    const idleMs = performance.now() - this.#progressAt
    if (this.#failures > 1 && idleMs + pauseMs > rules.durationMs) {
      await call.report('Info', 'Nothing more of the file arrives. No more attempts are made.')
      throw error
    }
    await call.report('Info', `Sending was interrupted. It goes on in ${pauseMs / 1_000} s.`)
    await call.report('Verbose', `The call of UploadPart failed: ${toError(error).message}`)
    await sleep(pauseMs, undefined, { signal: call.signal })
  }

  async #tellPosition({ status, heldBytes }: UploadState): Promise<void> {
    if (status !== 'Open') return
    const { length } = this.#file
    const percent = Math.floor((100 * heldBytes) / length)
    const text = `${percent} % are there: ${sizeText(heldBytes)} of ${sizeText(length)}. The rest is sent.`
    await this.#sending.call.report('Info', text)
  }

  async #wait(): Promise<UploadState> {
    const { report, signal } = this.#sending.call
    if (!this.#isWaiting)
      await report('Info', 'The Tentacle is still at work on the same file. Waiting for it.')
    this.#isWaiting = true
    await sleep(busyPauseMs, undefined, { signal })
    return this.#start()
  }

  async #beginAgain(): Promise<void> {
    const { path, remotePath } = this.#file
    if (this.#wasDamaged) {
      throw new ServerError(
        'ERR_CONFLICT',
        `${remotePath} arrived twice with other content than it should have. Compare the SHA-1 digest of ${path} on this ` +
          `server with ${this.#file.hash}; if they are the same, the disk of the machine is damaged.`,
      )
    }
    this.#wasDamaged = true
    await this.#sending.call.report(
      'Warning',
      'The file arrived with other content than it should have, and is sent again from its start.',
    )
  }
}
