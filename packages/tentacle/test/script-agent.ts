import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  maximumMutexTimeoutMs,
  newScriptTicket,
  ProcessOutput,
  type ScriptStatusResponseV2,
  type StartScriptCommandV2,
} from '@tentacle/contracts'
import { type CallContext, parseThumbprint, unpackList } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { createLog, type Log } from '../src/logging/log.ts'
import {
  createScriptServices,
  type ScriptServices,
  type ScriptServicesOptions,
} from '../src/services/create-script-services.ts'

/** What a caller is to a service, for calls that do not come over a network. */
export const caller: CallContext = {
  thumbprint: parseThumbprint('0123456789ABCDEF0123456789ABCDEF01234567'),
  remoteAddress: '127.0.0.1:1',
  signal: new AbortController().signal,
}

/** A log that fails nothing and shows what the agent complains about. */
export const quietLog: Log = createLog([(level, text) => process.stderr.write(`${level}: ${text}\n`)], 'warn')

/** A home folder that is deleted after the test. */
export async function temporaryHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tentacle-scripts-'))
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  return home
}

export function optionsOf(home: string, more: Partial<ScriptServicesOptions> = {}): ScriptServicesOptions {
  return {
    home,
    applications: join(home, 'Applications'),
    environment: { inherited: process.env, executablePath: '/opt/tentacle/Tentacle', version: '9.9.9' },
    log: quietLog,
    freeSpace: async () => 100 * 1024 ** 3,
    ...more,
  }
}

/** Services on a home of their own, stopped after the test. */
export async function openServices(
  t: TestContext,
  more: Partial<ScriptServicesOptions> = {},
): Promise<ScriptServices & { readonly home: string }> {
  const home = more.home ?? (await temporaryHome(t))
  const services = await createScriptServices(optionsOf(home, more))
  t.after(() => services.stop())
  return { ...services, home }
}

/** A start command with what callers usually send. */
export function startCommand(
  scriptBody: string,
  more: Partial<StartScriptCommandV2> = {},
): StartScriptCommandV2 {
  return {
    scriptTicket: newScriptTicket(),
    scriptBody,
    taskId: 'ServerTasks-1',
    durationToWaitForScriptToFinish: null,
    isolation: 'NoIsolation',
    scriptIsolationMutexTimeout: maximumMutexTimeoutMs,
    isolationMutexName: null,
    scripts: new Map(),
    files: [],
    arguments: [],
    ...more,
  }
}

export interface Finished {
  readonly exitCode: number
  readonly logs: readonly ProcessOutput[]
}

/** Asks for news like a server does, until the script is complete. */
export async function follow(
  { scriptsV2 }: Pick<ScriptServices, 'scriptsV2'>,
  command: Pick<StartScriptCommandV2, 'scriptTicket'>,
  timeoutMs = 20_000,
): Promise<Finished> {
  const logs: ProcessOutput[] = []
  let after = 0
  const ask = async () => {
    const status = await scriptsV2.getStatus({ ticket: command.scriptTicket, lastLogSequence: after }, caller)
    for (const entry of logsOf(status)) logs.push(entry)
    after = status.nextLogSequence
    return status.state === 'Complete' ? status : undefined
  }
  const last = await until(`script ${command.scriptTicket.taskId} is complete`, ask, { timeoutMs })
  return { exitCode: last.exitCode, logs }
}

/** Runs a script to its end. */
export async function run(
  services: Pick<ScriptServices, 'scriptsV2'>,
  scriptBody: string,
  more: Partial<StartScriptCommandV2> = {},
): Promise<Finished & { readonly command: StartScriptCommandV2 }> {
  const command = startCommand(scriptBody, more)
  await services.scriptsV2.startScript(command, caller)
  return { ...(await follow(services, command)), command }
}

export async function status(
  { scriptsV2 }: Pick<ScriptServices, 'scriptsV2'>,
  { scriptTicket }: Pick<StartScriptCommandV2, 'scriptTicket'>,
  lastLogSequence = 0,
): Promise<ScriptStatusResponseV2> {
  const answer = await scriptsV2.getStatus({ ticket: scriptTicket, lastLogSequence }, caller)
  return { ...answer, logs: logsOf(answer) }
}

/** The entries of an answer that did not come over a network: many of them are packed for it. */
export function logsOf({ logs }: Pick<ScriptStatusResponseV2, 'logs'>): readonly ProcessOutput[] {
  return unpackList(ProcessOutput, logs)
}

/** The texts of one source. */
export function textsOf(
  logs: readonly ProcessOutput[],
  source: ProcessOutput['source'] = 'StdOut',
): string[] {
  return logs.filter(entry => entry.source === source).map(entry => entry.text)
}

/** What the script itself printed on standard output: without the lines about its mutex. */
export function printed(logs: readonly ProcessOutput[]): string[] {
  const first = logs.findIndex(entry => entry.source === 'Debug')
  return first < 0 ? [] : textsOf(logs.slice(first))
}

/** Whether a process is there and does anything: an orphan may wait for long until it is buried. */
export async function isRunning(pid: number | string | undefined): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}
