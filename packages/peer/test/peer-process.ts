import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What a finished process left. */
export interface Finished {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A peer that runs. */
export interface RunningPeer {
  readonly process: ChildProcess
  /** Waits for a line of standard output; throws when the process ends without it. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  /** As {@link line}, of standard error. */
  note(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Finished>
  readonly finished: Promise<Finished>
}

/** Starts `peer ARGS…` as a process of its own. */
export function startPeer(...args: readonly string[]): RunningPeer {
  return start(process.execPath, [main, ...args])
}

/** Starts `npm run --silent peer -- ARGS…`, as other programs do. */
export function startPeerByNpm(...args: readonly string[]): RunningPeer {
  return start('npm', ['run', '--silent', 'peer', '--', ...args])
}

function start(command: string, args: readonly string[]): RunningPeer {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const finished = once(child, 'close').then(
    ([exitCode, signal]): Finished => ({ exitCode, signal, stdout, stderr }),
  )
  const lineOf = async (stream: Readable, text: () => string, pattern: RegExp) => {
    for (;;) {
      const match = pattern.exec(text())
      if (match) return match
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`The peer ended without ${pattern}: ${stdout}${stderr}`)
      }
      await Promise.race([once(stream, 'data'), finished])
    }
  }
  return {
    process: child,
    finished,
    line: pattern => lineOf(child.stdout, () => stdout, pattern),
    note: pattern => lineOf(child.stderr, () => stderr, pattern),
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return finished
    },
  }
}

/** Runs `peer ARGS…` to its end. */
export function runPeer(...args: readonly string[]): Promise<Finished> {
  return startPeer(...args).finished
}

/** Standard output of a run that must succeed, without the last line end. */
export async function outputOf(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runPeer(...args)
  assert.equal(exitCode, 0, stderr)
  return stdout.replace(/\n$/, '')
}
