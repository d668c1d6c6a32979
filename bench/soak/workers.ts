import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MemorySample } from './memory.ts'
import type { FromWorker, ToWorker, WorkerOrder } from './messages.ts'

type Kind = FromWorker['kind']
type Said<K extends Kind> = Extract<FromWorker, { kind: K }>

/** How long a process may take to do what it is told. */
const patienceMs = 60_000

/** One process with services. Each order waits for the answer to the one before. */
export class Worker {
  readonly memory: MemorySample[] = []
  connections = 0
  /** How many connections a fault has struck. */
  struck = 0
  /** Set when the process ended and was not told to. */
  death: string | undefined
  readonly #child: ChildProcess
  readonly #waiting = new Map<Kind, PromiseWithResolvers<FromWorker>>()
  readonly #onRan: (ids: readonly number[]) => void
  #isStopping = false

  constructor(onRan: (ids: readonly number[]) => void) {
    this.#onRan = onRan
    this.#child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message: FromWorker) => this.#heard(message))
    this.#child.on('exit', (code, signal) => this.#ended(code, signal))
  }

  start(order: WorkerOrder): Promise<Said<'started'>> {
    return this.#ask({ kind: 'start', order }, 'started')
  }

  async sample(): Promise<void> {
    const { memory, connections, struck } = await this.#ask({ kind: 'sample' }, 'sampled')
    this.memory.push(memory)
    this.connections = connections
    this.struck = struck
  }

  async heal(): Promise<void> {
    await this.#ask({ kind: 'heal' }, 'healed')
  }

  /** @returns what was still open in the end */
  async stop(): Promise<readonly string[]> {
    this.#isStopping = true
    return (await this.#ask({ kind: 'stop' }, 'stopped')).left
  }

  /** For when things went wrong: ends the process. */
  kill(): void {
    this.#isStopping = true
    this.#child.kill('SIGKILL')
  }

  async #ask<K extends Kind>(message: ToWorker, answer: K): Promise<Said<K>> {
    if (this.death) throw new Error(this.death)
    const waiting = Promise.withResolvers<FromWorker>()
    this.#waiting.set(answer, waiting)
    const late = new Error(`A process with services did not say '${answer}' within ${patienceMs} ms.`)
    const timer = setTimeout(() => waiting.reject(late), patienceMs)
    this.#child.send(message)
    const said = await waiting.promise.finally(() => clearTimeout(timer))
    if (!isSaid(said, answer)) throw new Error(`A process with services said ${said.kind} and not ${answer}.`)
    return said
  }

  #heard(message: FromWorker): void {
    if (message.kind === 'ran') this.#onRan(message.ids)
    else this.#waiting.get(message.kind)?.resolve(message)
  }

  #ended(code: number | null, signal: string | null): void {
    if (!this.#isStopping) this.death = `A process with services ended by itself (${signal ?? code}).`
    for (const waiting of this.#waiting.values())
      waiting.reject(new Error(this.death ?? 'A process with services has ended.'))
  }
}

function isSaid<K extends Kind>(message: FromWorker, kind: K): message is Said<K> {
  return message.kind === kind
}
