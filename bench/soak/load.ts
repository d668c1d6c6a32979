import {
  connectionState,
  DataStream,
  type Halibut,
  HalibutError,
  type ServiceClient,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import { digest, longestCallMs, longestStreamBytes, pattern, SoakService } from './contract.ts'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'

/** What a caller may add to its calls. */
interface Limits {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A machine that is busy may be this late. */
const slackMs = 10_000

/** How many different wrong answers are kept. */
const mostProblems = 20

/** Calls random services in random ways, and keeps the books. */
export class Load {
  /** Answers that cannot be. */
  readonly problems: string[] = []
  /** How many failures had which code. */
  readonly codes = new Map<string, number>()
  readonly #halibut: Halibut
  readonly #endpoints: readonly ServiceEndPoint[]
  readonly #clients: readonly ServiceClient<typeof SoakService>[]
  readonly #ledger: Ledger
  readonly #random: Random

  constructor(
    halibut: Halibut,
    endpoints: readonly ServiceEndPoint[],
    { ledger, random }: { ledger: Ledger; random: Random },
  ) {
    this.#halibut = halibut
    this.#endpoints = endpoints
    this.#clients = endpoints.map(endpoint => halibut.client(SoakService, endpoint))
    this.#ledger = ledger
    this.#random = random
  }

  /** Makes one call after another until told to stop. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.#call()
  }

  /** Calls every service once, now that nothing fails any more, and gives those that do not answer. */
  async everyone(callers: number): Promise<string[]> {
    const remaining = this.#endpoints.map(endpoint => ({ ...endpoint, pollingRequestQueueTimeoutMs: 60_000 }))
    const lost: string[] = []
    const caller = async () => {
      for (let endpoint = remaining.pop(); endpoint; endpoint = remaining.pop()) {
        const id = this.#ledger.start(60_000 + longestCallMs)
        try {
          await this.#halibut.client(SoakService, endpoint).echo(id, 'still there?', 0)
          this.#ledger.finish(id, 'answered')
        } catch (error) {
          this.#ledger.finish(id, 'failed')
          lost.push(`${endpoint.baseUri} does not answer any more: ${String(error)}`)
        }
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    return lost
  }

  async #call(): Promise<void> {
    const random = this.#random
    const client = random.pick(this.#clients)
    const kind = random.next()
    const { limits, limitMs, forget } = this.#limits()
    const id = this.#ledger.start(limitMs)
    try {
      if (kind < 0.8) await this.#echo(id, client, limits)
      else if (kind < 0.9) await this.#take(id, client, limits)
      else await this.#give(id, client, limits)
      this.#ledger.finish(id, 'answered')
    } catch (error) {
      this.#failed(id, error)
    } finally {
      forget()
    }
  }

  /** Some calls have a limit of their own, some are cancelled. */
  #limits(): { limits: Limits; limitMs: number; forget: () => void } {
    const draw = this.#random.next()
    if (draw < 0.2) {
      const timeoutMs = this.#random.magnitude(50, 5000)
      return { limits: { timeoutMs }, limitMs: timeoutMs + slackMs, forget: () => {} }
    }
    if (draw < 0.3) {
      const abort = new AbortController()
      const afterMs = this.#random.magnitude(1, 1000)
      const timer = setTimeout(() => abort.abort(), afterMs)
      const forget = () => clearTimeout(timer)
      return { limits: { signal: abort.signal }, limitMs: afterMs + slackMs, forget }
    }
    return { limits: {}, limitMs: longestCallMs, forget: () => {} }
  }

  async #echo(id: number, client: ServiceClient<typeof SoakService>, limits: Limits): Promise<void> {
    const text = `${id} ${'x'.repeat(this.#random.magnitude(1, 5000))}`
    const waitMs = this.#random.next() < 0.1 ? this.#random.below(200) : 0
    const answer = await client.echo(id, text, waitMs, limits)
    if (answer !== text) this.#wrong(`call ${id} was answered '${answer.slice(0, 40)}'`)
  }

  async #take(id: number, client: ServiceClient<typeof SoakService>, limits: Limits): Promise<void> {
    const bytes = pattern.subarray(0, this.#random.magnitude(1, longestStreamBytes))
    const answer = await client.take(id, DataStream.fromBytes(bytes), limits)
    if (answer !== digest(bytes))
      this.#wrong(`call ${id} sent another stream: ${answer}, not ${digest(bytes)}`)
  }

  async #give(id: number, client: ServiceClient<typeof SoakService>, limits: Limits): Promise<void> {
    const length = this.#random.magnitude(1, longestStreamBytes)
    const stream = await client.give(id, length, limits)
    if (this.#random.next() < 0.2) return stream.dispose()
    const received = await stream.bytes()
    if (!received.equals(pattern.subarray(0, length)))
      this.#wrong(`call ${id} received another stream: ${digest(received)}, not the first ${length} bytes`)
  }

  #failed(id: number, error: unknown): void {
    this.#ledger.finish(id, connectionState(error) === 'connecting' ? 'never sent' : 'failed')
    const code = error instanceof HalibutError ? error.code : `not a HalibutError: ${String(error)}`
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
    if (!(error instanceof HalibutError) || !expectedCodes.has(error.code))
      this.#wrong(`call ${id} failed with ${code}: ${String(error)}`)
  }

  #wrong(problem: string): void {
    if (this.problems.length < mostProblems) this.problems.push(problem)
  }
}

/** What faults, limits and cancelling lead to. Everything else is a defect. */
const expectedCodes = new Set([
  'ERR_CONNECT',
  'ERR_CONNECTION_LOST',
  'ERR_TIMEOUT',
  'ERR_NOT_COLLECTED',
  'ERR_CANCELLED_CONNECTING',
  'ERR_CANCELLED_TRANSFERRING',
])
