import type { Polling } from '@tentacle/halibut'

/** More handshakes at a time do not go faster, but the last ones would wait until they time out. */
const atATime = 64

/**
 * Starts any number of polling services, some at a time: the next ones when the ones before have their connection,
 * or wait for another try.
 */
export class PollStarter {
  #names: readonly string[] = []
  #begin: (name: string) => Polling = () => {
    throw new Error('not started')
  }
  #next = 0
  #connecting: Polling[] = []

  start(names: readonly string[], begin: (name: string) => Polling): void {
    this.#names = names
    this.#begin = begin
    this.advance()
  }

  /** Something happened to a service: perhaps it is the turn of others. */
  advance(): void {
    if (this.#next === this.#names.length) return
    this.#connecting = this.#connecting.filter(({ state }) => state.kind === 'connecting')
    while (this.#connecting.length < atATime) {
      const name = this.#names[this.#next]
      if (name === undefined) return
      this.#next++
      this.#connecting.push(this.#begin(name))
    }
  }

  /** Starts no more. */
  stop(): void {
    this.#names = []
    this.#next = 0
  }
}
