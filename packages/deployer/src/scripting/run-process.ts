import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { DeployerError, systemCode, throwIfCancelled } from '../errors.ts'
import type { Environment } from '../io.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import { type ServiceMessage, ServiceMessageReader } from '../log/service-message.ts'
import { LineReader } from './line-reader.ts'
import { endProcessTree, guardProcessGroup } from './process-tree.ts'

export interface ProcessRequest {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Environment
  readonly stdout: Writable
  readonly stderr: Writable
  readonly log: DeploymentLog
  readonly signal: AbortSignal | undefined
  readonly onMessage: (message: ServiceMessage) => void
}

export interface ProcessResult {
  /** The exit code; 128 and the number of the signal for a process that was ended by one. */
  readonly exitCode: number
  /** Whether it wrote anything but service messages and blanks to stderr. */
  readonly wroteErrors: boolean
}

/**
 * How long output is waited for after a process has ended, in milliseconds. What is in the pipes comes at once; only a
 * child that lives on with the script's output in its hands makes this pass.
 */
const outputGraceMs = 2000

/**
 * Runs a program, passes its output on byte by byte as it comes, and reports the service messages in it. Throws
 * ERR_LANGUAGE when there is no such program and ERR_CANCELLED when it was ended by the signal.
 */
export async function runProcess(request: ProcessRequest): Promise<ProcessResult> {
  const { command, args, cwd, env, log, signal } = request
  throwIfCancelled(signal)
  const child = spawn(command, args, {
    cwd,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  await started(command, child)
  const pid = child.pid ?? 0
  const guard = guardProcessGroup(pid)
  let ending: Promise<void> | undefined
  const onAbort = () => {
    ending ??= endProcessTree(pid)
  }
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted === true) onAbort()
  const output = new ScriptOutput(request)
  const flowing = Promise.all([
    output.passOn(child.stdout, request.stdout, 'out'),
    output.passOn(child.stderr, request.stderr, 'error'),
  ])
  try {
    const exitCode = await exitCodeOf(child)
    const isDrained = await Promise.race([
      flowing.then(() => true),
      delay(outputGraceMs, false, { ref: false }),
    ])
    child.stdout.destroy()
    child.stderr.destroy()
    await flowing
    await ending
    output.finish()
    if (!isDrained)
      log.verbose('A process that the script started still holds its output, which is no longer read.')
    throwIfCancelled(signal)
    return { exitCode, wroteErrors: output.wroteErrors }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    guard.dismiss()
  }
}

async function started(command: string, child: ReturnType<typeof spawn>): Promise<void> {
  try {
    await once(child, 'spawn')
  } catch (error) {
    const reason =
      systemCode(error) === 'ENOENT'
        ? 'it is not installed, or not found on the PATH'
        : (systemCode(error) ?? 'unknown reason')
    throw new DeployerError('ERR_LANGUAGE', `The program ${command} could not be started: ${reason}.`, {
      cause: error,
    })
  }
}

function exitCodeOf(child: ReturnType<typeof spawn>): Promise<number> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise(resolve => {
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}

/** What a script writes, on its way to the log. */
class ScriptOutput {
  wroteErrors = false
  private readonly messages = new ServiceMessageReader()
  private readonly stdout: Writable
  private readonly lines: readonly { readonly reader: LineReader; readonly sink: Writable }[]

  constructor(request: ProcessRequest) {
    this.stdout = request.stdout
    const readOut = (line: string) => {
      const message = this.messages.read(line)
      if (message === undefined) return
      request.log.observe(message)
      request.onMessage(message)
    }
    const readError = (line: string) => {
      this.wroteErrors ||= line.trim() !== '' && !line.startsWith('##octopus')
    }
    this.lines = [
      { reader: new LineReader(readOut), sink: request.stdout },
      { reader: new LineReader(readError), sink: request.stderr },
    ]
  }

  async passOn(source: Readable, sink: Writable, kind: 'out' | 'error'): Promise<void> {
    const { reader } = this.lines[kind === 'out' ? 0 : 1] ?? {}
    try {
      for await (const chunk of source) {
        if (!sink.write(chunk) && !sink.destroyed) await drained(sink)
        reader?.push(chunk)
      }
    } catch (error) {
      // Destroyed because its time is over; anything else is a fault.
      if (!source.destroyed) throw error
    }
  }

  /** Ends a last line without a line break and a message without an end, so that what follows stands for itself. */
  finish(): void {
    for (const { reader, sink } of this.lines) {
      if (reader.isInLine) sink.write('\n')
      reader.end()
    }
    if (this.messages.isInMessage) this.stdout.write(']\n')
  }
}

function drained(sink: Writable): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      for (const event of ['drain', 'close', 'error']) sink.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) sink.on(event, done)
  })
}
