import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import type { PipeMaker } from './pipes.posix.ts'

const dashPath = '/bin/dash'
const bashPath = '/bin/bash'

/** Variables with other names get lost in dash; exported functions of Bash have them. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Variables of dash itself: it refuses values that it cannot use, or changes them. */
const dashVariables: ReadonlySet<string> = new Set(['IFS', 'LINENO', 'OPTIND', 'PPID'])

/**
 * The shell that waits. It becomes what runs the script, which is mostly Bash, but dash starts in a fraction of the time
 * and does not count itself into `SHLVL`. `-p` keeps `BASH_ENV` and functions of the environment away from Bash; the
 * script gets them.
 */
function waitingShell(environment: NodeJS.ProcessEnv): readonly string[] {
  const isForDash = (name: string) => variableName.test(name) && !dashVariables.has(name)
  const mayBeDash = existsSync(dashPath) && Object.keys(environment).every(isForDash)
  return mayBeDash ? [dashPath] : [bashPath, '-p']
}

/** The same for every script, and looked at once: each look at Node's environment asks the system for every variable. */
function launch(): { readonly command: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  if (launched === undefined) {
    const env = { ...process.env }
    launched = { command: waitingShell(env), env }
  }
  return launched
}
let launched: ReturnType<typeof launch> | undefined

/**
 * Waits for the word to go, reads the job from the file that it is told, and becomes the script. The name begins with `__`
 * so that no variable of the environment is overwritten.
 */
const waitingText = `IFS= read -r __job || exit 0
. "$__job"
exec "$@" </dev/null`

/** A process in a session of its own that is about to become a script. */
export interface WaitingShell {
  readonly pid: number
  readonly stdout: Readable
  readonly stderr: Readable
  readonly isUsable: boolean
  /** The exit code: of the script, or 128 and the number of the signal that ended it. */
  readonly ended: Promise<number>
  /** Becomes the script of a job file. */
  go(jobFile: string): void
  /** Ends without having run anything. */
  dismiss(): void
}

/**
 * Starts a shell that waits. Rejects with the system's error when there can be no more processes or files.
 *
 * @param oomScore written to the shell's `oom_score_adj`; undefined: it has what this process has
 */
export async function startWaitingShell(pipes: PipeMaker, oomScore?: number): Promise<WaitingShell> {
  const stdout = await pipes.open()
  const stderr = await pipes.open().catch(error => {
    stdout.closeWriter()
    stdout.reader.resume()
    throw error
  })
  try {
    const score = oomScore === undefined ? '' : `echo ${oomScore} >/proc/self/oom_score_adj\n`
    const { command, env } = launch()
    const [shell = bashPath, ...options] = command
    const child = spawn(shell, [...options, '-c', score + waitingText, 'tentacle-script'], {
      detached: true,
      env,
      stdio: ['pipe', stdout.writer, stderr.writer],
    })
    const ended = exitCodeOf(child)
    await once(child, 'spawn')
    child.on('error', () => {}) // nothing is asked of it that could fail
    return shellOf(child, child.stdin, ended, stdout.reader, stderr.reader)
  } catch (error) {
    stdout.reader.resume() // lets the pipes end, so that they are free again
    stderr.reader.resume()
    throw error
  } finally {
    stdout.closeWriter()
    stderr.closeWriter()
  }
}

function shellOf(
  child: ChildProcess,
  word: Writable | null,
  ended: Promise<number>,
  stdout: Readable,
  stderr: Readable,
): WaitingShell {
  word?.on('error', () => {}) // it is gone, which `ended` tells
  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    ended,
    get isUsable() {
      return child.exitCode === null && child.signalCode === null
    },
    go: jobFile => word?.end(`${jobFile}\n`),
    dismiss: () => {
      word?.end()
      stdout.resume()
      stderr.resume()
    },
  }
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}

/** The text of a job file. */
export function jobText(workspace: string, argv: readonly string[]): string {
  // The script sees no folder before its own. Without its folder there is nothing to run in: 1 is what `cd` answers.
  return `cd -- ${quote(workspace)} || exit 1
unset OLDPWD
set -- ${argv.map(quote).join(' ')}
`
}

/** Makes one word of a shell out of any text. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
