import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DeployerError, systemCode, throwIfCancelled, toError } from '../errors.ts'

export interface LockOptions {
  /** How long to wait for another process, in milliseconds; 5 minutes by default. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** Called once when the lock is taken by another process. */
  readonly onWait?: () => void
}

/**
 * Runs work while no other process of this machine runs work under the same name. Names are usually paths of what is
 * protected. Throws ERR_LOCK_TIMEOUT and ERR_CANCELLED, and what the work throws.
 *
 * The lock is a listening local socket, of which the system allows one per name: when its owner dies, even by
 * `kill -9`, the system frees it, so there is never a stale lock to judge. Who waits is connected to the owner and
 * wakes up when that connection ends.
 */
export async function withMachineLock<T>(
  name: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lock = await acquire(name, options)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

/** Takes the lock if nobody holds it. */
export async function tryMachineLock(name: string): Promise<MachineLock | undefined> {
  return await listen(addressOf(name))
}

export interface MachineLock {
  release(): Promise<void>
}

/** How often a lock is tried again when its owner neither answers nor goes away. */
const retryMs = 250

async function acquire(
  name: string,
  { timeoutMs = 300_000, signal, onWait }: LockOptions,
): Promise<MachineLock> {
  const address = addressOf(name)
  const deadline = Date.now() + timeoutMs
  for (let isFirst = true; ; isFirst = false) {
    throwIfCancelled(signal)
    const lock = await listen(address)
    if (lock !== undefined) return lock
    if (isFirst) onWait?.()
    throwIfCancelled(signal)
    const left = deadline - Date.now()
    if (left <= 0) {
      throw new DeployerError(
        'ERR_LOCK_TIMEOUT',
        `Another process has been working on ${name} for more than ${timeoutMs / 1000} seconds. Let it finish, or end it.`,
      )
    }
    await ownerGone(address, Math.min(left, 60_000), signal)
  }
}

/** Linux has names without files, Windows has pipes; elsewhere it is a file that is taken over when nobody listens. */
function addressOf(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 40)
  if (process.platform === 'linux') return `\0tentacle-deployer-${digest}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\tentacle-deployer-${digest}`
  return join(tmpdir(), `tentacle-deployer-${digest}.sock`)
}

async function listen(address: string): Promise<MachineLock | undefined> {
  const waiting = new Set<{ destroy(): void }>()
  const server = createServer(socket => {
    waiting.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => waiting.delete(socket))
  })
  if (!(await bind(server, address))) return undefined
  server.unref()
  return {
    release: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of waiting) socket.destroy()
      }),
  }
}

async function bind(server: Server, address: string): Promise<boolean> {
  for (let attempt = 0; ; attempt += 1) {
    const error = await new Promise<Error | undefined>(resolve => {
      server.once('error', resolve)
      server.listen(address, () => resolve(undefined))
    })
    server.removeAllListeners('error')
    if (error === undefined) return true
    if (systemCode(error) !== 'EADDRINUSE') throw toError(error)
    const isFile = !address.startsWith('\0') && process.platform !== 'win32'
    if (!isFile || attempt > 0 || (await hasOwner(address))) return false
    await rm(address, { force: true })
  }
}

function hasOwner(address: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(address, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Waits until the owner lets go, dies, or the time is over. */
async function ownerGone(address: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  const socket = createConnection(address)
  let wasConnected = false
  await new Promise<void>(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      socket.destroy()
      resolve()
    }
    const timer = setTimeout(done, timeoutMs)
    signal?.addEventListener('abort', done)
    socket.on('connect', () => {
      wasConnected = true
    })
    socket.on('error', () => {})
    socket.on('close', done)
    socket.resume()
  })
  // The name is taken but nobody answers there: do not ask in a tight loop.
  if (!wasConnected) await delay(retryMs, undefined, { signal }).catch(() => {})
}
