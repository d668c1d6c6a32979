import { execFile } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** How many pipes are made at a time: making them costs a process, whatever their number. */
const batchSize = 32

/** A pipe whose writing end goes to a script. */
export interface ScriptPipe {
  /** For the `stdio` of a process. Blocking, as programs expect it. Closed by {@link closeWriter}. */
  readonly writer: number
  /** Ends when nobody holds the writing end any more: not the script, and none of its children. */
  readonly reader: Readable
  closeWriter(): void
}

/**
 * Makes pipes. Node's own are sockets, and `> /dev/stderr` fails on those; so they are named pipes in a folder. One that
 * has ended is used again: then nobody holds it.
 */
export class PipeMaker {
  readonly #folder: string
  readonly #free: string[] = []
  #made = 0
  #making: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  async open(): Promise<ScriptPipe> {
    let path = this.#free.pop()
    while (path === undefined) {
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined
      })
      await this.#making
      path = this.#free.pop()
    }
    return this.#openAt(path)
  }

  async #make(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const paths = Array.from({ length: batchSize }, () => join(this.#folder, String(this.#made++)))
    await run('mkfifo', ['-m', '600', '--', ...paths])
    this.#free.push(...paths)
  }

  #openAt(path: string): ScriptPipe {
    // The reading end first: opening the other one blocks until there is a reader.
    const readerFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    let writer: number
    try {
      writer = openSync(path, constants.O_WRONLY)
    } catch (error) {
      closeSync(readerFd)
      throw error
    }
    const reader = new Socket({ fd: readerFd, readable: true, writable: false })
    reader.once('close', () => this.#free.push(path))
    return { writer, reader, closeWriter: () => closeSync(writer) }
  }
}
