import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** How long a script has to end by itself after it was asked to, in milliseconds. */
const graceMs = 5000

const isPosix = process.platform !== 'win32'

/**
 * Ends a process that was started in a group of its own, with everything that it started: asks first, and kills what is
 * still there a few seconds later. Answers when nothing of it is left, or nothing more can be done.
 */
export async function endProcessTree(pid: number): Promise<void> {
  if (!isPosix) {
    await run('taskkill', ['/pid', String(pid), '/t', '/f'])
    return
  }
  const members = [pid, ...(await descendants(pid))]
  signalAll(pid, members, 'SIGTERM')
  const deadline = Date.now() + graceMs
  while (Date.now() < deadline) {
    if (!isAlive(-pid) && !members.some(isAlive)) return
    await delay(25)
  }
  signalAll(pid, [...members, ...(await descendants(pid))], 'SIGKILL')
}

/**
 * Starts a small guard that ends the group of a script when this process dies without saying goodbye: killed processes
 * run no clean-up of their own. `dismiss` sends the guard home.
 */
export function guardProcessGroup(pid: number): { dismiss(): void } {
  if (!isPosix) return { dismiss() {} }
  const watch = `read -r word; [ "$word" = done ] && exit; kill -s TERM -- "-$1"; sleep ${graceMs / 1000}; kill -s KILL -- "-$1"`
  const guard = spawn('/bin/sh', ['-c', watch, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  })
  guard.on('error', () => {})
  guard.stdin.on('error', () => {})
  guard.unref()
  return {
    dismiss() {
      guard.stdin.end('done\n')
    },
  }
}

function signalAll(group: number, members: readonly number[], signal: NodeJS.Signals): void {
  for (const target of [-group, ...members]) {
    try {
      process.kill(target, signal)
    } catch {
      // It is gone already, which is what is wanted.
    }
  }
}

function isAlive(target: number): boolean {
  try {
    process.kill(target, 0)
    return true
  } catch {
    return false
  }
}

/** Children that moved to a group of their own are found by who started them, where the system tells. */
async function descendants(pid: number): Promise<number[]> {
  const children = new Map<number, number[]>()
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The name of the program stands in parentheses and may hold anything.
    const parent = Number(
      stat
        .slice(stat.lastIndexOf(')') + 1)
        .trim()
        .split(' ')[1],
    )
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found: number[] = []
  for (const ahead = [pid]; ahead.length > 0; ) {
    const next = children.get(ahead.pop() ?? 0) ?? []
    found.push(...next)
    ahead.push(...next)
  }
  return found
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise(resolve => {
    const child: ChildProcess = spawn(command, args, { stdio: 'ignore' })
    child.on('error', () => resolve())
    child.on('exit', () => resolve())
  })
}
