/** What has been said is not said again for this time, in ms. */
const quietMs = 60_000

/** How many different things are remembered; ever new ones must not fill the memory. */
const remembered = 1000

/** Lets each thing pass once a minute: port scanners and health probes come every few seconds, for months. */
export class RepeatFilter {
  readonly #now: () => Date
  readonly #said = new Map<string, number>()

  constructor(now: () => Date) {
    this.#now = now
  }

  passes(what: string): boolean {
    const time = this.#now().getTime()
    if (time - (this.#said.get(what) ?? Number.NEGATIVE_INFINITY) < quietMs) return false
    this.#said.delete(what)
    this.#said.set(what, time)
    const [oldest] = this.#said.keys()
    if (this.#said.size > remembered && oldest !== undefined) this.#said.delete(oldest)
    return true
  }
}
