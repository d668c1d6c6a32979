import { join } from 'node:path'
import { until } from '@tentacle/testkit'
import { connectionState, HalibutError, type HalibutErrorCode, type HalibutLimits } from '../../src/index.ts'
import type { FaultCase } from './cases.ts'
import { type CallEnd, type Conversation, startConversation } from './conversation.ts'

const reconnecting: Partial<HalibutLimits> = {
  retryListeningSleepIntervalMs: 10,
  pollingReconnectMinimumMs: 10,
  pollingReconnectMaximumMs: 100,
  tcpClientHeartbeatTimeoutShouldActuallyBeUsed: true,
}

/** Where a fault is noticed without waiting: nothing may run into these. */
const farLimits: Partial<HalibutLimits> = {
  ...reconnecting,
  tcpClientReceiveTimeoutMs: 15_000,
  tcpClientSendTimeoutMs: 15_000,
  tcpClientReceiveResponseTimeoutMs: 15_000,
  pollingRequestQueueTimeoutMs: 15_000,
}

/** Where only a limit can tell that something is wrong. */
const nearLimits = (stallMs: number): Partial<HalibutLimits> => ({
  ...reconnecting,
  tcpClientReceiveTimeoutMs: stallMs,
  tcpClientSendTimeoutMs: stallMs,
  tcpClientReceiveResponseTimeoutMs: stallMs,
  tcpClientHeartbeatReceiveTimeoutMs: stallMs,
  tcpClientHeartbeatSendTimeoutMs: stallMs,
  identificationTimeoutMs: stallMs,
  pollingQueueWaitTimeoutMs: stallMs / 2,
  tcpClientReceiveRequestTimeoutForPollingMs: stallMs * 1.5,
  tcpListeningNextRequestIdleTimeoutMs: stallMs * 2,
  tcpClientPooledConnectionTimeoutMs: stallMs * 1.5,
  pollingRequestQueueTimeoutMs: stallMs * 20,
})

/** The longest that a call may take, in limits: those of connecting, exchanging and reconnecting one after another. */
const limitsPerCall = 6
const farCallMs = 60_000

/** What a case is run with besides its fault. */
export interface RunOptions {
  readonly folder: string
  /** The limit by which a stall is noticed. */
  readonly stallMs: number
  readonly streamBytes?: number
  /** A poller without work hears so after this time, and its call comes only after the fault. */
  readonly idleMs?: number
}

function limitsOf({ fault, hits, mode }: FaultCase, { idleMs, stallMs }: RunOptions): Partial<HalibutLimits> {
  return {
    ...(fault.kind === 'stall' ? nearLimits(stallMs) : farLimits),
    ...(idleMs !== undefined && { pollingQueueWaitTimeoutMs: idleMs }),
    ...(hits === 'every connection' && {
      retryCountLimit: 2,
      ...(mode === 'polling' && { pollingRequestQueueTimeoutMs: stallMs }),
    }),
  }
}

/** Runs one case. @returns what was wrong */
export async function runCase(case_: FaultCase, options: RunOptions): Promise<string[]> {
  const check = new Check(case_, options.stallMs)
  try {
    const { fault, direction, hits } = case_
    let isHealed = false
    // A session that is resumed has fewer bytes, so that only the first connection has the steps that were measured.
    const plan = (index: number) => {
      if (index === 0) return { [direction]: fault }
      return isHealed || hits === 'first connection' ? {} : { [direction]: { ...fault, afterBytes: 0 } }
    }
    const conversation = await startConversation({
      mode: case_.mode,
      folder: join(options.folder, case_.name.replaceAll(/[^a-z0-9]+/gi, '-')),
      limits: limitsOf(case_, options),
      ...(options.streamBytes !== undefined && { streamBytes: options.streamBytes }),
      ...(options.idleMs !== undefined && { isIdle: true }),
      plan,
    })
    try {
      if (options.idleMs !== undefined)
        await until('the fault', () => conversation.proxied[0]?.[direction].hasStruck)
      if (hits === 'every connection') {
        await check.isNeverConnected(conversation)
        isHealed = true
      } else await check.conversation(conversation)
      await check.nothingIsHeld(conversation)
    } finally {
      await conversation.close()
    }
  } catch (error) {
    check.problems.push(error instanceof Error ? error.message : String(error))
  }
  return check.problems.map(problem => `${case_.name}: ${problem}`)
}

/** Judges what came of one case. */
class Check {
  readonly problems: string[] = []
  readonly #case: FaultCase
  readonly #callMs: number

  constructor(case_: FaultCase, stallMs: number) {
    this.#case = case_
    this.#callMs = case_.fault.kind === 'stall' ? stallMs * limitsPerCall : farCallMs
  }

  async conversation(conversation: Conversation): Promise<void> {
    const { expected, direction } = this.#case
    const ends = new Map<string, CallEnd>()
    for (const id of ['swap', 'ping', 'third', 'fourth']) {
      const call = () => (id === 'swap' ? conversation.swap(id) : conversation.ping(id))
      ends.set(id, await this.#timed(id, call))
    }
    if (!conversation.proxied[0]?.[direction].hasStruck) this.#wrong('the fault was never reached')
    const victim = 'call' in expected ? expected.call : undefined
    for (const [id, end] of ends) {
      const runs = conversation.runs(id)
      if (end.kind === 'answered') {
        if (runs !== 1) this.#wrong(`${id} was answered, but ran ${runs} times`)
        if (expected.kind === 'lost' && id === victim) this.#wrong(`${id} was answered, which cannot be`)
        continue
      }
      if (runs > 1) this.#wrong(`${id} ran ${runs} times`)
      // A direction that was stalled when a call had just been answered takes the one after it.
      const isLater = this.#case.fault.kind === 'stall' && expected.kind === 'answered' && id === 'third'
      if (id !== victim && !isLater) this.#wrong(`${id} failed: ${shown(end.error)}`)
      else this.#failure(id, end.error, 'unknown', this.#lostCodes())
      if (expected.kind === 'lost' && id === victim && runs !== expected.runs)
        this.#wrong(`${id} ran ${runs} times and not ${expected.runs}`)
    }
    const failed = [...ends.values()].filter(end => end.kind === 'failed')
    if (failed.length > 1) this.#wrong(`${failed.length} calls failed of one fault`)
    const isHarmless = this.#case.fault.kind === 'delay' || this.#case.fault.kind === 'trickle'
    if (isHarmless && conversation.proxied.length > 1)
      this.#wrong(`${conversation.proxied.length} connections were made`)
  }

  /** With no connection ever good, the first call fails without having run; once healed, the next one works. */
  async isNeverConnected(conversation: Conversation): Promise<void> {
    const { mode } = this.#case
    const end = await this.#timed('swap', () => conversation.swap('swap'))
    if (end.kind === 'answered') this.#wrong('swap was answered, which cannot be')
    else {
      const codes: HalibutErrorCode[] =
        mode === 'polling' ? ['ERR_NOT_COLLECTED'] : ['ERR_CONNECT', 'ERR_CONNECTION_LOST', 'ERR_TIMEOUT']
      this.#failure('swap', end.error, 'connecting', codes)
    }
    if (conversation.runs('swap') > 0) this.#wrong('swap ran')
    const { length } = conversation.proxied
    if (mode === 'listening' && length !== 2) this.#wrong(`there were ${length} attempts and not 2`)
  }

  /** While both sides go on, nothing of the connection that was hit and of the calls that failed is held. */
  async nothingIsHeld(conversation: Conversation): Promise<void> {
    const last = await this.#timed('last', () => conversation.ping('last'))
    if (last.kind === 'failed') this.#wrong(`the last call failed: ${shown(last.error)}`)
    // One connection has two ends.
    await until(
      'the connection that was hit to be closed on both sides',
      () => conversation.openConnections <= 2,
    )
    await until('the temporary files to be gone', async () => (await conversation.files()).length === 0)
  }

  async #timed(id: string, call: () => Promise<CallEnd>): Promise<CallEnd> {
    const startedAt = performance.now()
    const end = await call()
    const elapsedMs = Math.round(performance.now() - startedAt)
    if (elapsedMs > this.#callMs)
      this.#wrong(`${id} took ${elapsedMs} ms, which is more than ${this.#callMs}`)
    return end
  }

  /** Only a stall is found out by a limit; whoever was told of an end must not have waited for one. */
  #lostCodes(): HalibutErrorCode[] {
    return this.#case.fault.kind === 'stall'
      ? ['ERR_CONNECTION_LOST', 'ERR_TIMEOUT']
      : ['ERR_CONNECTION_LOST']
  }

  #failure(id: string, error: unknown, state: string, codes: readonly HalibutErrorCode[]): void {
    if (!(error instanceof HalibutError) || !codes.includes(error.code) || connectionState(error) !== state)
      this.#wrong(`${id} failed as ${state} should not: ${shown(error)}`)
  }

  #wrong(problem: string): void {
    this.problems.push(problem)
  }
}

function shown(error: unknown): string {
  return error instanceof HalibutError
    ? `${error.code}, ${connectionState(error)}: ${error.message}`
    : String(error)
}
