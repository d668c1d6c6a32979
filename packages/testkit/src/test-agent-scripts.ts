import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import {
  newScriptTicket,
  type ProcessOutput,
  type ProcessOutputSource,
  type ProcessState,
  type ScriptService,
  type ScriptServiceV2,
  type StartScriptCommand,
  type StartScriptCommandV2,
  scriptExitCodes,
} from '@tentacle/contracts'
import type { ServiceImplementation } from '@tentacle/halibut'

/** The script services of a test agent, and what was done with them. */
export interface TestScripts {
  readonly v1: ServiceImplementation<typeof ScriptService>
  readonly v2: ServiceImplementation<typeof ScriptServiceV2>
  /** The task of each script that was really started, in order. */
  readonly started: readonly { readonly ticket: string; readonly taskId: string; readonly body: string }[]
  /** Calls by name, e.g. `getStatus`. */
  readonly calls: ReadonlyMap<string, number>
  /** Tickets that were completed by the server, so that their folders are gone. */
  readonly completed: readonly string[]
  /** As after a restart of an agent that loses what runs: the processes end, the results are unknown. */
  forgetRunning(): void
  killAll(): Promise<void>
}

interface Script {
  readonly ticket: string
  readonly folder: string
  readonly log: ProcessOutput[]
  state: ProcessState
  exitCode: number
  process: ChildProcess | undefined
  ended: Promise<unknown>
}

type Command = Pick<
  StartScriptCommand | StartScriptCommandV2,
  'scriptBody' | 'scripts' | 'files' | 'arguments'
>

/** Makes the script services for a home folder. */
export function createTestScripts(home: string, env: Readonly<Record<string, string>>): TestScripts {
  const scripts = new Map<string, Script>()
  // Also those that the server has completed: their processes may still be there.
  const everyScript: Script[] = []
  // The same ticket again, even at the same time, is the same script.
  const starting = new Map<string, Promise<Script>>()
  const started: { ticket: string; taskId: string; body: string }[] = []
  const completed: string[] = []
  const calls = new Map<string, number>()
  const count = (name: string): void => {
    calls.set(name, (calls.get(name) ?? 0) + 1)
  }

  function follow(script: Script, stream: Readable, source: ProcessOutputSource): Promise<unknown> {
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
    lines.on('line', text => script.log.push({ source, occurred: new Date(), text }))
    return once(lines, 'close')
  }

  async function run(ticket: string, taskId: string, command: Command): Promise<Script> {
    const folder = join(home, 'Work', ticket)
    await mkdir(folder, { recursive: true })
    const body = command.scripts.get('Bash') ?? command.scriptBody
    await writeFile(join(folder, 'Bootstrap.sh'), body.replaceAll('\r\n', '\n'))
    for (const file of command.files) await file.contents.saveTo(join(folder, file.name))
    started.push({ ticket, taskId, body })
    const child = spawn('/bin/bash', [join(folder, 'Bootstrap.sh'), ...command.arguments], {
      cwd: folder,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const script: Script = {
      ticket,
      folder,
      log: [],
      state: 'Running',
      exitCode: 0,
      process: child,
      ended: Promise.resolve(),
    }
    scripts.set(ticket.toLowerCase(), script)
    everyScript.push(script)
    const streams = [follow(script, child.stdout, 'StdOut'), follow(script, child.stderr, 'StdErr')]
    script.ended = Promise.all([once(child, 'exit'), ...streams]).then(([[code]]) => {
      script.process = undefined
      if (script.state === 'Complete') return
      script.state = 'Complete'
      script.exitCode = typeof code === 'number' ? code : scriptExitCodes.cancelled
    })
    return script
  }

  function kill({ process: child }: Script): void {
    if (child?.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has just ended by itself.
    }
  }

  function answer(ticket: string, after: number, unknownExitCode: number) {
    const script = scripts.get(ticket.toLowerCase())
    const log = script?.log ?? []
    return {
      ticket: { taskId: ticket },
      state: script?.state ?? ('Complete' as const),
      exitCode: script?.exitCode ?? unknownExitCode,
      logs: log.slice(after),
      nextLogSequence: log.length,
    }
  }

  async function forget(ticket: string): Promise<void> {
    const script = scripts.get(ticket.toLowerCase())
    scripts.delete(ticket.toLowerCase())
    completed.push(ticket)
    if (script !== undefined) await rm(script.folder, { recursive: true, force: true })
  }

  function cancel(ticket: string): void {
    const script = scripts.get(ticket.toLowerCase())
    if (script !== undefined) kill(script)
  }

  return {
    started,
    completed,
    calls,
    v1: {
      async startScript(command) {
        count('startScript')
        const ticket = newScriptTicket()
        await run(ticket.taskId, command.taskId ?? '', command)
        return ticket
      },
      getStatus({ ticket, lastLogSequence }) {
        count('getStatus')
        return answer(ticket.taskId, lastLogSequence, 0)
      },
      cancelScript({ ticket, lastLogSequence }) {
        count('cancelScript')
        cancel(ticket.taskId)
        return answer(ticket.taskId, lastLogSequence, 0)
      },
      async completeScript({ ticket, lastLogSequence }) {
        count('completeScript')
        const last = answer(ticket.taskId, lastLogSequence, 0)
        await forget(ticket.taskId)
        return last
      },
    },
    v2: {
      async startScript(command) {
        count('startScript')
        const { taskId: ticket } = command.scriptTicket
        const key = ticket.toLowerCase()
        const start = starting.get(key) ?? run(ticket, command.taskId, command)
        starting.set(key, start)
        const script = await start
        const limit = AbortSignal.timeout(Math.max(1, command.durationToWaitForScriptToFinish ?? 1))
        await Promise.race([script.ended, once(limit, 'abort')])
        return answer(ticket, 0, scriptExitCodes.unknownScript)
      },
      getStatus({ ticket, lastLogSequence }) {
        count('getStatus')
        return answer(ticket.taskId, lastLogSequence, scriptExitCodes.unknownScript)
      },
      cancelScript({ ticket, lastLogSequence }) {
        count('cancelScript')
        cancel(ticket.taskId)
        return answer(ticket.taskId, lastLogSequence, scriptExitCodes.unknownScript)
      },
      async completeScript({ ticket }) {
        count('completeScript')
        await forget(ticket.taskId)
      },
    },
    forgetRunning() {
      for (const script of scripts.values()) {
        if (script.state === 'Complete') continue
        script.state = 'Complete'
        script.exitCode = scriptExitCodes.unknownResult
      }
    },
    async killAll() {
      for (const script of everyScript) kill(script)
      await Promise.all(everyScript.map(script => script.ended))
    },
  }
}
