import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode, TentacleError } from '../errors.ts'
import { whileBusy } from '../while-busy.ts'
import { crypto } from './crypto.ts'
import { fileError } from './write-file.ts'

/** How long to wait for others. */
export interface LockOptions {
  /** Time limit in ms. Default 10,000: a change of settings takes a few ms, so this is only reached behind a stuck process. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A lock this old, in ms, belongs to nobody: no holder works longer than a fraction of a second. */
const staleAfterMs = 30_000

/**
 * Runs `action` while no other process does so for the same path. The lock is the file `<path>.lock`, made with
 * create-new semantics and holding the process id of its owner. A lock whose owner is gone, or that is older than 30 s,
 * is taken over.
 *
 * @throws TentacleError `ERR_FILE` when the lock cannot be made or was not free in time.
 */
export async function withFileLock<T>(
  path: string,
  action: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lockPath = `${path}.lock`
  const token = `${process.pid} ${crypto().randomBytes(8).toString('hex')}`
  await acquire(lockPath, token, options)
  try {
    return await action()
  } finally {
    if ((await readLock(lockPath)) === token) await whileBusy(() => rm(lockPath, { force: true }))
  }
}

async function acquire(
  lockPath: string,
  token: string,
  { timeoutMs = 10_000, signal }: LockOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    if (await create(lockPath, token)) return
    await removeStale(lockPath)
    if (performance.now() > deadline) {
      const owner = (await readLock(lockPath))?.split(' ')[0] ?? 'unknown'
      throw new TentacleError(
        'ERR_FILE',
        `Cannot change the file behind ${lockPath}: process ${owner} has been holding it for over ${timeoutMs} ms. ` +
          'Wait for that process or end it, then try again.',
      )
    }
    await delay(5 + Math.random() * 20, undefined, signal === undefined ? {} : { signal })
  }
}

async function create(lockPath: string, token: string): Promise<boolean> {
  try {
    await mkdir(dirname(lockPath), { recursive: true })
    const file = await whileBusy(() => open(lockPath, 'wx', 0o600))
    try {
      await file.writeFile(token)
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw fileError('lock', lockPath, error)
  }
}

/**
 * Moves a dead lock away. Renaming is atomic, so of two processes that see the same dead lock one gets it; if what it
 * got is not what it saw, a third one was faster and the lock is given back.
 */
async function removeStale(lockPath: string): Promise<void> {
  const seen = await readLock(lockPath)
  if (seen === undefined || !(await isStale(lockPath, seen))) return
  const aside = `${lockPath}.${crypto().randomBytes(6).toString('hex')}`
  try {
    await rename(lockPath, aside)
  } catch {
    return // somebody else took it
  }
  if ((await readLock(aside)) === seen) await rm(aside, { force: true })
  else await rename(aside, lockPath)
}

async function isStale(lockPath: string, text: string): Promise<boolean> {
  const age = await stat(lockPath).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (age > staleAfterMs) return true
  const owner = Number.parseInt(text, 10)
  return Number.isSafeInteger(owner) && owner > 0 && !isAlive(owner)
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

async function readLock(lockPath: string): Promise<string | undefined> {
  return await readFile(lockPath, 'utf8').catch(() => undefined)
}
