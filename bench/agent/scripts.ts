import { setTimeout as sleep } from 'node:timers/promises'
import {
  maximumMutexTimeoutMs,
  newScriptTicket,
  ScriptService,
  ScriptServiceV2,
  type StartScriptCommandV2,
} from '@tentacle/contracts'
import type { Halibut, ServiceEndPoint } from '@tentacle/halibut'

type Isolation = StartScriptCommandV2['isolation']

const common = (isolation: Isolation) => ({
  taskId: 'ServerTasks-1',
  isolation,
  scriptIsolationMutexTimeout: maximumMutexTimeoutMs,
  isolationMutexName: 'RunningScript',
  scripts: new Map(),
  files: [],
  arguments: [],
})

/** What a script did, as a server sees it. */
export interface ScriptRun {
  readonly ms: number
  /** Of the text in its log, without what the agent itself says. */
  readonly bytes: number
}

/** How a server drives a script. */
export interface RunOptions {
  readonly isolation?: Isolation
  /** How long it waits before its n-th question after the start; by default it does not. */
  readonly pauseMs?: (question: number) => number
}

const noPause = () => 0

/** The pauses of the original's server. */
export const pausesOfOriginal = (question: number): number => Math.min(5000, 300 * 1.15 ** question)

/** One script from its start to its result through the second service, as a server drives it. */
export async function runV2(
  halibut: Halibut,
  endpoint: ServiceEndPoint,
  scriptBody: string,
  { isolation = 'NoIsolation', pauseMs = noPause }: RunOptions = {},
): Promise<ScriptRun> {
  const client = halibut.client(ScriptServiceV2, endpoint)
  const start = performance.now()
  const scriptTicket = newScriptTicket()
  let status = await client.startScript({
    ...common(isolation),
    scriptTicket,
    scriptBody,
    durationToWaitForScriptToFinish: 5_000,
  })
  let bytes = bytesOf(status.logs)
  for (let question = 1; status.state !== 'Complete'; question++) {
    const pause = pauseMs(question)
    if (pause > 0) await sleep(pause)
    status = await client.getStatus({ ticket: scriptTicket, lastLogSequence: status.nextLogSequence })
    bytes += bytesOf(status.logs)
  }
  const ms = performance.now() - start
  demandSuccess(status.exitCode)
  await client.completeScript({ ticket: scriptTicket })
  return { ms, bytes }
}

/**
 * The same through the first service, whose caller can only ask again and again. It does so without a pause, some ten times
 * for each script, and so takes processor time away from it: with pauses of 4 ms this takes as long as the second service.
 */
export async function runV1(
  halibut: Halibut,
  endpoint: ServiceEndPoint,
  scriptBody: string,
): Promise<number> {
  const client = halibut.client(ScriptService, endpoint)
  const start = performance.now()
  const ticket = await client.startScript({ ...common('NoIsolation'), scriptBody })
  let status = await client.getStatus({ ticket, lastLogSequence: 0 })
  while (status.state !== 'Complete')
    status = await client.getStatus({ ticket, lastLogSequence: status.nextLogSequence })
  const ms = performance.now() - start
  demandSuccess(status.exitCode)
  await client.completeScript({ ticket, lastLogSequence: status.nextLogSequence })
  return ms
}

function bytesOf(logs: readonly { readonly source: string; readonly text: string }[]): number {
  return logs.reduce((sum, { source, text }) => (source === 'StdOut' ? sum + text.length + 1 : sum), 0)
}

function demandSuccess(exitCode: number): void {
  if (exitCode !== 0) throw new Error(`The script ended with exit code ${exitCode}.`)
}
