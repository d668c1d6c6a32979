import type { NewEntry } from '../script-log/log-entry.ts'
import type { StartCommand } from '../workspaces/start-command.ts'
import type { Blocker } from './isolation-locks.ts'

/**
 * What a script's log says about its mutex. The sentences are ours. The lines that begin with `##octopus` are read by
 * servers: they decide how the lines after them are shown (docs/wire/tentacle-scripts.md, "Isolation").
 */
const verbose: NewEntry = { source: 'StdOut', text: '##octopus[stdout-verbose]' }
const wait: NewEntry = { source: 'StdOut', text: '##octopus[stdout-wait]' }
const normal: NewEntry = { source: 'StdOut', text: '##octopus[stdout-default]' }

type Wanted = Pick<StartCommand, 'ticket' | 'taskId' | 'mutexName' | 'isolation'>

function line(text: string): NewEntry {
  return { source: 'StdOut', text }
}

/** Before the mutex is asked for. */
export function queuedEntries({ mutexName, isolation, taskId }: Wanted): readonly NewEntry[] {
  const of = taskId === '' ? '' : ` for ${taskId}`
  return [verbose, line(`Taking the isolation mutex ${mutexName} (${isolation})${of}`), normal]
}

/** When it is not free. Servers turn the links into links to the tasks. */
export function waitingEntries(wanted: Wanted, blockers: readonly Blocker[]): readonly NewEntry[] {
  return [wait, line(`Waiting: ${describe(wanted, blockers)}${inDetail(blockers)}`), normal]
}

export function cancelledEntries(wanted: Wanted, blockers: readonly Blocker[]): readonly NewEntry[] {
  return [
    line(`Cancelled before the script could start: ${describe(wanted, blockers)}${inDetail(blockers)}`),
    line('The script was not run, because it was cancelled.'),
  ]
}

export function timedOutEntries(
  wanted: Wanted,
  blockers: readonly Blocker[],
  waitedMs: number,
): readonly NewEntry[] {
  const minutes = Math.round(waitedMs / 60_000)
  const time = waitedMs < 60_000 ? `${Math.round(waitedMs / 1000)} s` : `${minutes} min`
  return [
    line(`Not started within ${time}: ${describe(wanted, blockers)}${inDetail(blockers)}`),
    line('The script was not run, because its time limit for waiting has passed.'),
  ]
}

function describe({ mutexName, isolation, taskId }: Wanted, blockers: readonly Blocker[]): string {
  const reason =
    isolation === 'FullIsolation'
      ? 'this script must run alone'
      : blockers.some(blocker => blocker.level === 'FullIsolation')
        ? 'it must run alone'
        : 'others are before it'
  const tasks = [...new Set(blockers.map(blocker => blocker.taskId))]
  if (tasks.length === 0) return `the mutex ${mutexName} is not free.`
  if (tasks.length === 1 && tasks[0] === taskId) {
    const own = isolation === 'FullIsolation' ? 'this script must run alone' : 'that one must run alone'
    return `another script of this same task ${linkTo(taskId)} holds the mutex ${mutexName}, and ${own}.`
  }
  if (tasks.length === 1) {
    return `a script of the task ${linkTo(tasks[0] ?? '')} holds the mutex ${mutexName}, and ${reason}.`
  }
  const many = isolation === 'FullIsolation' ? 'this script must run alone' : 'one of them must run alone'
  return `scripts of the tasks ${tasks.map(linkTo).join(', ')} hold the mutex ${mutexName} or wait for it, and ${many}.`
}

/** How many scripts are named one by one. */
const maxNamed = 5

/** Which scripts stand in the way, so that somebody at the machine finds their folders and processes. */
function inDetail(blockers: readonly Blocker[]): string {
  const named = blockers.slice(0, maxNamed).map(({ ticket, since }) => {
    const time = since?.toISOString().slice(0, 19).replace('T', ' ')
    return time === undefined ? `${ticket} waits before it` : `${ticket} has it since ${time} UTC`
  })
  if (blockers.length > maxNamed) named.push(`and ${blockers.length - maxNamed} more`)
  return named.length === 0 ? '' : ` By script: ${named.join(', ')}.`
}

function linkTo(taskId: string): string {
  return taskId === '' ? '(unknown)' : `[${taskId}](~/app#/tasks/${taskId})`
}
