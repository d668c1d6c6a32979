import type { Coverage } from './coverage.ts'
import { byteMutators } from './mutations.ts'
import { Random, seedFor } from './random.ts'
import type { FuzzTarget, Outcome } from './target.ts'

/** How a run of one target is bounded and watched. */
export interface FuzzOptions {
  readonly seed: number
  /** Files of the target's folder: they are tried first. */
  readonly files: readonly Uint8Array[]
  /** Ends after this many new inputs, or at this time; whatever comes first. */
  readonly maximumInputs: number
  readonly deadline: number
  /** Keeps inputs that reach new blocks of the source. Without it the corpus stays as it was given. */
  readonly coverage: Coverage | undefined
  /** Told before each input, so that somebody else can tell which one never ended. */
  readonly onInput: (input: Uint8Array | undefined) => void
}

export interface FuzzReport {
  readonly target: string
  /** Seeds included. */
  readonly inputs: number
  readonly accepted: number
  readonly refused: number
  readonly corpus: number
  /** Characters of the library's source that have run; 0 when nobody counted. */
  readonly coveredCharacters: number
  readonly slowestMs: number
  readonly failure: FuzzFailure | undefined
}

export interface FuzzFailure {
  readonly input: Uint8Array
  readonly problem: string
}

/** An input that takes longer, three times in a row, is a bug. Good ones take far less than a hundredth of it. */
const slowMs = 3000

/** An input that does not end is given up after this time. */
export const endlessMs = 30_000

const batchSize = 32
const shrinkMs = 3000

/** Errors that nobody awaited: as bad as those that were thrown. */
const strayErrors: unknown[] = []

/** Collects errors that would end the process. Called once, in the thread that runs the targets. */
export function collectStrayErrors(): void {
  process.on('unhandledRejection', reason => strayErrors.push(reason))
  process.on('uncaughtException', error => strayErrors.push(error))
}

/** Tries inputs until the bound is reached or one of them shows a bug. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const run = new FuzzLoop(target, options)
  const failure = await run.loop()
  return run.report(failure ?? (await run.close()))
}

class FuzzLoop {
  readonly #target: FuzzTarget
  readonly #options: FuzzOptions
  readonly #random: Random
  readonly #corpus: Uint8Array[] = []
  #counts = { accepted: 0, refused: 0 }
  #slowestMs = 0

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.#target = target
    this.#options = options
    this.#random = new Random(seedFor(options.seed, target.name))
  }

  async loop(): Promise<FuzzFailure | undefined> {
    const { files, maximumInputs, deadline } = this.#options
    const seeds = [...files, ...(await this.#target.seeds())]
    const failure = await this.#batch(seeds, true)
    this.#corpus.push(...seeds.filter(seed => seed.length <= this.#target.maximumBytes))
    if (failure) return failure
    for (let made = 0; made < maximumInputs && Date.now() < deadline; made += batchSize) {
      const count = Math.min(batchSize, maximumInputs - made)
      const found = await this.#batch(
        Array.from({ length: count }, () => this.#mutated()),
        false,
      )
      if (found) return found
    }
    return undefined
  }

  async close(): Promise<FuzzFailure | undefined> {
    try {
      await this.#target.close?.()
      return undefined
    } catch (error) {
      return { input: new Uint8Array(0), problem: `at the end: ${describe(error)}` }
    }
  }

  report(failure: FuzzFailure | undefined): FuzzReport {
    return {
      target: this.#target.name,
      inputs: this.#counts.accepted + this.#counts.refused,
      ...this.#counts,
      corpus: this.#corpus.length,
      coveredCharacters: this.#options.coverage?.coveredCharacters ?? 0,
      slowestMs: Math.round(this.#slowestMs),
      failure,
    }
  }

  /** Runs inputs; keeps those that reach something new, unless they are seeds, which are kept anyway. */
  async #batch(inputs: readonly Uint8Array[], areSeeds: boolean): Promise<FuzzFailure | undefined> {
    const { coverage } = this.#options
    for (const input of inputs) {
      const failure = await this.#try(input)
      if (failure) return areSeeds ? failure : await this.#shrunk(failure)
    }
    if (!coverage || areSeeds) {
      coverage?.take()
      return undefined
    }
    await this.#keepNew(inputs, coverage)
    return undefined
  }

  /** Something in the batch may be new; each input is run again to see which one it was. */
  async #keepNew(inputs: readonly Uint8Array[], coverage: Coverage): Promise<void> {
    if (!coverage.hasNew()) return
    for (const input of inputs) {
      await this.#run(input)
      if (coverage.take() > 0) this.#corpus.push(input)
    }
  }

  async #try(input: Uint8Array): Promise<FuzzFailure | undefined> {
    try {
      const started = performance.now()
      const outcome = await this.#run(input)
      this.#counts[outcome]++
      let tookMs = performance.now() - started
      for (let again = 0; tookMs > slowMs && again < 2; again++)
        tookMs = Math.min(tookMs, await this.#timed(input))
      this.#slowestMs = Math.max(this.#slowestMs, tookMs)
      return tookMs > slowMs ? { input, problem: `it takes ${Math.round(tookMs)} ms` } : undefined
    } catch (error) {
      return { input, problem: describe(error) }
    }
  }

  async #timed(input: Uint8Array): Promise<number> {
    const started = performance.now()
    await this.#run(input)
    return performance.now() - started
  }

  async #run(input: Uint8Array): Promise<Outcome> {
    this.#options.onInput(input)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it does not end within ${endlessMs} ms`)), endlessMs)
    })
    try {
      const outcome = await Promise.race([this.#target.run(Uint8Array.from(input)), late])
      await new Promise(setImmediate)
      if (strayErrors.length > 0) throw new Error(`nobody caught: ${describe(strayErrors.splice(0)[0])}`)
      return outcome
    } finally {
      clearTimeout(timer)
      this.#options.onInput(undefined)
    }
  }

  #mutated(): Uint8Array {
    const random = this.#random
    const { mutators, maximumBytes } = this.#target
    // The newest ones reached something that most others did not.
    const newest = Math.min(8, this.#corpus.length)
    let input =
      this.#corpus.length === 0
        ? new Uint8Array(0)
        : random.oneIn(4)
          ? this.#corpus[this.#corpus.length - 1 - random.below(newest)]
          : random.pick(this.#corpus)
    input ??= new Uint8Array(0)
    for (let count = 1 + random.below(random.oneIn(4) ? 6 : 2); count > 0; count--) {
      const other = this.#corpus.length === 0 ? input : random.pick(this.#corpus)
      const isOwn = mutators.length > 0 && !random.oneIn(3)
      input = random.pick(isOwn ? mutators : byteMutators)(input, random, other)
    }
    return input.subarray(0, maximumBytes)
  }

  /** Takes away what the failure does not need, for a while. */
  async #shrunk(failure: FuzzFailure): Promise<FuzzFailure> {
    const kind = failure.problem.slice(0, 40)
    // Each try of these takes its whole time.
    if (kind.includes('it does not end') || kind.startsWith('it takes')) return failure
    let smallest = failure
    const end = Date.now() + shrinkMs
    for (let size = failure.input.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at < smallest.input.length && Date.now() < end; ) {
        const { input } = smallest
        const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + size)])
        const again = await this.#try(shorter)
        if (again?.problem.startsWith(kind)) smallest = again
        else at += size
      }
    }
    return smallest
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  const [, ...lines] = (error.stack ?? '').split('\n    at ')
  return [`${error.name}${code}: ${error.message}`, ...lines.slice(0, 6)].join('\n      at ')
}
