import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Certificate } from '@tentacle/halibut'

/** What the other process is to open. */
export interface ServeOrder {
  readonly mode: 'listening' | 'polling' | 'bare' | 'many'
  readonly own: Certificate
  readonly other: Certificate
  /** Where to poll. */
  readonly port?: number
  /** How many subscriptions are polled. */
  readonly count?: number
}

/** The process of the other side, which serves one thing until it is told to stop. */
export class OtherProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /** @param module the file of the program, which is started anew for this */
  static async start(module: string, order: ServeOrder): Promise<OtherProcess> {
    const child = fork(module, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.send(order)
    const [port] = (await once(child, 'message')) as [number]
    return new OtherProcess(child, port)
  }

  /** Processor time of this and the other process so far, in microseconds. */
  async cpuTime(): Promise<number> {
    this.#child.send('cpu')
    const [theirs] = (await once(this.#child, 'message')) as [number]
    const { user, system } = process.cpuUsage()
    return theirs + user + system
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

/** The other process's side: opens what it is told, answers questions, and ends with its parent. */
export function serveParent(
  open: (order: ServeOrder) => Promise<{ port: number; close(): Promise<void> }>,
): void {
  const opened: { close(): Promise<void> }[] = []
  process.on('message', (order: ServeOrder | 'cpu') => {
    const { user, system } = process.cpuUsage()
    if (order === 'cpu') process.send?.(user + system)
    else
      void open(order).then(server => {
        opened.push(server)
        process.send?.(server.port)
      })
  })
  process.once('disconnect', () => void Promise.all(opened.map(server => server.close())))
}
