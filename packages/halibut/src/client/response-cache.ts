import { DataStream } from '../contract/data-stream.ts'
import type { HalibutError } from '../errors.ts'

/** More results than this are not kept; the ones that were asked for first go first. */
const maximumEntries = 10_000

/** What a call ended with. */
export type Outcome =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: HalibutError }

interface Entry {
  readonly outcome: Outcome
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number
}

/**
 * Results of methods that are declared with `cacheSeconds`: asked again with the same arguments at the same endpoint,
 * the method is not called (docs/wire/halibut.md, "Response cache"). Errors are kept only where the owner of the runtime says so,
 * results with data streams never.
 */
export class ResponseCache {
  readonly #entries = new Map<string, Entry>()
  readonly #keepsError: (error: HalibutError) => boolean
  readonly #now: () => number

  constructor(keepsError: (error: HalibutError) => boolean = () => false, now = () => performance.now()) {
    this.#keepsError = keepsError
    this.#now = now
  }

  get(key: string): Outcome | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt > this.#now()) return entry.outcome
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, outcome: Outcome, lifetimeSeconds: number): void {
    const isKept = outcome.kind === 'error' ? this.#keepsError(outcome.error) : !holdsStream(outcome.value)
    if (!isKept) return
    this.#entries.delete(key)
    this.#entries.set(key, { outcome, expiresAt: this.#now() + lifetimeSeconds * 1000 })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > maximumEntries && oldest !== undefined) this.#entries.delete(oldest)
  }
}

/** Whether a result has a data stream somewhere: those can be read once only. */
function holdsStream(value: unknown): boolean {
  if (value instanceof DataStream) return true
  if (value instanceof Map) return [...value.values()].some(holdsStream)
  if (value instanceof Set || Array.isArray(value)) return [...value].some(holdsStream)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  return Object.values(value).some(holdsStream)
}
