import { setTimeout as sleep } from 'node:timers/promises'
import { newScriptTicket } from '@tentacle/contracts'
import { connectionState } from '@tentacle/halibut'
import type { Operation } from '../agents/call-metrics.ts'
import type { TentacleCall } from '../agents/rpc-retries.ts'
import type { Tentacle } from '../agents/tentacle.ts'
import type { Database } from '../db/database.ts'
import { createScriptRunRepository, type ScriptRun } from '../db/script-run-repository.ts'
import { ServerError, toError } from '../errors.ts'
import type { LogNode, TaskLog } from '../live/task-log.ts'
import type { SecretVault } from '../model/secret.ts'
import { QuestionPauses } from './question-pauses.ts'
import { type ScriptCalls, type ScriptCommand, scriptCalls } from './script-calls.ts'
import { noFacts, parseFacts, type ScriptOutcome } from './script-facts.ts'
import { createScriptRecorder, type OutputScope, type ScriptRecorder } from './script-recorder.ts'

/** What scripts are run with. */
export interface ScriptParts {
  readonly db: Database
  readonly vault: SecretVault
  readonly now: () => Date
}

/** One script on one machine. */
export interface ScriptRequest {
  readonly taskId: string
  /** Unique in the task: after a restart of the server the script is found by it. */
  readonly key: string
  readonly tentacle: Tentacle
  readonly log: TaskLog
  /** Where its lines go. */
  readonly node: LogNode
  /** Where the variables belong that it sets; null: they are dropped. */
  readonly outputs: OutputScope | null
  /** Makes the script. Asked only when it has to be sent. */
  readonly command: () => Promise<ScriptCommand>
  /** Aborted: end the script. */
  readonly cancel: AbortSignal
  /** Aborted: stop following it; it goes on by itself. */
  readonly letGo: AbortSignal
  /** How long ending the script may take before it is given up; default 5 min. */
  readonly cancelLimitMs?: number
  /** Instead of the machine policy's. */
  readonly retries?: TentacleCall['retries']
}

/** A request whose calls are measured together. */
interface MeasuredRequest extends ScriptRequest {
  readonly operation: Operation
}

const defaultCancelLimitMs = 300_000

/**
 * Runs a script to its end, exactly once, however often this process or the Tentacle is restarted meanwhile: see
 * docs/wire/orchestration.md, durable execution. A script whose result is stored is not run or asked for again.
 *
 * Throws what the calls throw when the Tentacle cannot be reached for longer than its policy allows, and whatever was
 * thrown at hand after `letGo`.
 */
export function runScript(parts: ScriptParts, request: ScriptRequest): Promise<ScriptOutcome> {
  const { tentacle, cancel, letGo } = request
  return tentacle.operation('ExecuteScript', AbortSignal.any([cancel, letGo]), operation =>
    runMeasured(parts, { ...request, operation }),
  )
}

async function runMeasured(parts: ScriptParts, request: MeasuredRequest): Promise<ScriptOutcome> {
  const runs = createScriptRunRepository(parts.db, parts.now)
  const stored = await runs.get(request.taskId, request.key)
  if (stored === undefined && request.cancel.aborted) return neverStarted
  const run = stored ?? (await prepare(parts, request))
  if (run === undefined) return neverStarted
  const calls = scriptCalls(request.tentacle, run.contract)
  const recorder = createScriptRecorder(parts, request, run)
  if (run.state !== 'complete') {
    const started =
      run.state === 'new' ? await begin(request, run, calls, recorder, stored !== undefined) : true
    if (!started) return neverStarted
    await follow(request, calls, recorder)
  }
  await clean(request, calls, recorder.run)
  if (!recorder.run.isCleaned) await runs.markCleaned(recorder.run)
  return outcomeOf(recorder.run)
}

const neverStarted: ScriptOutcome = { status: 'canceled', exitCode: 0, facts: { ...noFacts, canceled: true } }

function outcomeOf(run: ScriptRun): ScriptOutcome {
  const facts = parseFacts(run.facts)
  return { status: facts.canceled ? 'canceled' : 'complete', exitCode: run.exitCode ?? 0, facts }
}

/** Calls that go on when the task is canceled: they serve to end the script. */
function steadyCall({ letGo, node, retries, operation }: MeasuredRequest): TentacleCall {
  const report: TentacleCall['report'] = (category, text, detail) => node.write(category, text, detail)
  const call = { signal: letGo, report, operation }
  return retries === undefined ? call : { ...call, retries }
}

/** Calls that are given up when the task is canceled. */
function workCall(request: MeasuredRequest): TentacleCall {
  return { ...steadyCall(request), signal: AbortSignal.any([request.letGo, request.cancel]) }
}

/** Stores the ticket before the Tentacle hears of it. Undefined: canceled before that. */
async function prepare({ db, now }: ScriptParts, request: MeasuredRequest): Promise<ScriptRun | undefined> {
  const { taskId, key, tentacle } = request
  const scripts = await tentacle.capabilities(workCall(request)).then(
    capabilities => capabilities.scripts,
    error => {
      if (request.cancel.aborted && !request.letGo.aborted) return undefined
      throw error
    },
  )
  if (scripts === undefined) return undefined
  // An old Tentacle makes the ticket itself; until then the run has none.
  const ticket = scripts === 'V2' ? newScriptTicket().taskId : ''
  return createScriptRunRepository(db, now).insert({
    taskId,
    key,
    machineId: tentacle.machine.id,
    ticket,
    contract: scripts,
  })
}

/** Starts the script. False: it was canceled before the Tentacle heard of it. */
async function begin(
  request: MeasuredRequest,
  run: ScriptRun,
  calls: ScriptCalls,
  recorder: ScriptRecorder,
  isResumed: boolean,
): Promise<boolean> {
  if (isResumed && !calls.canRepeatStart) {
    throw new ServerError(
      'ERR_CONFLICT',
      `The server stopped while it was starting a script on ${request.tentacle.machine.name}. Its Tentacle is too old ` +
        'to tell whether the script ran. Look at the machine, and run the task again if it did not.',
    )
  }
  // It may have been started before the restart; to be sure it is ended below.
  if (request.cancel.aborted) return isResumed
  try {
    const command = await request.command()
    await recorder.record(await calls.start(run.ticket, command, workCall(request)))
    return true
  } catch (error) {
    if (request.letGo.aborted) throw error
    if (!request.cancel.aborted) {
      if (calls.canRepeatStart && connectionState(error) !== 'connecting')
        await endUnreachable(request, calls, run)
      throw error
    }
    // Canceled while it was being sent: it never ran only if the request never left.
    return isResumed || (calls.canRepeatStart && connectionState(error) !== 'connecting')
  }
}

/** Reads the script's output until it is complete. */
async function follow(request: MeasuredRequest, calls: ScriptCalls, recorder: ScriptRecorder): Promise<void> {
  const pauses = new QuestionPauses()
  while (!recorder.isComplete) {
    const ending = request.cancel.aborted
    if (ending) return end(request, calls, recorder)
    await pause(pauses.next(), workCall(request).signal)
    const linesBefore = recorder.position
    try {
      await recorder.record(await calls.status(recorder.run.ticket, recorder.position, workCall(request)))
    } catch (error) {
      if (request.letGo.aborted) throw error
      if (request.cancel.aborted) continue
      await endUnreachable(request, calls, recorder.run)
      throw error
    }
    if (recorder.position > linesBefore) pauses.restart()
  }
  await lastWords(request, calls, recorder)
  await recorder.complete({ canceled: false })
}

/** Ends a canceled script: asks again and again until it is complete, or the limit is over. */
async function end(request: MeasuredRequest, calls: ScriptCalls, recorder: ScriptRecorder): Promise<void> {
  const limit = AbortSignal.timeout(request.cancelLimitMs ?? defaultCancelLimitMs)
  const call = { ...steadyCall(request), signal: AbortSignal.any([request.letGo, limit]) }
  const pauses = new QuestionPauses()
  try {
    while (!recorder.isComplete) {
      await recorder.record(await calls.cancel(recorder.run.ticket, recorder.position, call))
      if (recorder.isComplete) break
      await sleep(pauses.next(), undefined, { signal: call.signal })
    }
    await lastWords(request, calls, recorder)
  } catch (error) {
    if (request.letGo.aborted) throw error
    await request.node.write(
      'Warning',
      `The script could not be ended on ${request.tentacle.machine.name}; it may still be running there.`,
      toError(error).message,
    )
  }
  await recorder.complete({ canceled: true })
}

/** Tentacles answer with the state as it is and the log as it was a moment before, so lines may be missing. */
async function lastWords(
  request: MeasuredRequest,
  calls: ScriptCalls,
  recorder: ScriptRecorder,
): Promise<void> {
  try {
    const answer = await calls.status(recorder.run.ticket, recorder.position, steadyCall(request))
    await recorder.record({ ...answer, state: 'Complete', exitCode: recorder.exitCode })
  } catch (error) {
    if (request.letGo.aborted) throw error
    await request.node.write('Verbose', `The last lines may be missing: ${toError(error).message}`)
  }
}

/** A script whose output cannot be read any more is better ended; nobody waits for the answer. */
async function endUnreachable(request: MeasuredRequest, calls: ScriptCalls, run: ScriptRun): Promise<void> {
  const call = { ...steadyCall(request), retries: { enabled: false, durationMs: 0 } }
  const signal = AbortSignal.any([request.letGo, AbortSignal.timeout(5_000)])
  await calls.cancel(run.ticket, run.nextLogSequence, { ...call, signal }).catch(() => undefined)
}

/** The result is stored, so the Tentacle may delete the script's folder. It does so by itself a day later. */
async function clean(request: MeasuredRequest, calls: ScriptCalls, run: ScriptRun): Promise<void> {
  if (run.isCleaned) return
  const call = {
    ...steadyCall(request),
    signal: AbortSignal.any([request.letGo, AbortSignal.timeout(60_000)]),
  }
  try {
    await calls.clean(run.ticket, run.nextLogSequence, call)
  } catch (error) {
    if (request.letGo.aborted) throw error
    await request.node.write(
      'Verbose',
      `The folder of the script could not be removed on ${request.tentacle.machine.name}: ${toError(error).message}`,
    )
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
