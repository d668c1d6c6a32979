import { createTaskMemory } from '../db/task-memory-repository.ts'
import { toError } from '../errors.ts'
import { openTaskLog, type TaskLog } from '../live/task-log.ts'
import type { ActivityStatus } from '../model/activity.ts'
import type { FinalTaskState, ServerTask } from '../model/task.ts'
import type { TaskVerdict } from '../queue/claim-task.ts'
import type { TaskSignals } from '../queue/task-queue.ts'
import type { TaskKind, TaskTools } from '../work/task-kind.ts'

/**
 * A task that was taken up this often is given up: something in it ends the server each time. It is far above what
 * restarts for upgrades can add up to while one task runs.
 */
const maximumAttempts = 50

const rootStatus: Readonly<Record<FinalTaskState, Exclude<ActivityStatus, 'Pending' | 'Running'>>> = {
  Success: 'Success',
  Failed: 'Failed',
  Canceled: 'Canceled',
  TimedOut: 'Failed',
}

async function begin(task: ServerTask, log: TaskLog): Promise<void> {
  await log.root.start()
  if (task.attempts > 1) {
    const text = 'The server was stopped while this task was running, and goes on with it now.'
    await log.root.writeOnce(`attempt:${task.attempts}`, 'Info', text)
  }
}

async function work(
  kind: TaskKind | undefined,
  context: Parameters<TaskKind['run']>[0],
): Promise<TaskVerdict> {
  const { task, log, cancel } = context
  if (kind === undefined)
    return failed(`This server does not know how to carry out a task of the kind '${task.name}'.`)
  if (task.attempts > maximumAttempts) {
    return failed(
      `The task was begun ${maximumAttempts} times, and each time the server stopped in the middle of it.`,
    )
  }
  try {
    return await kind.run(context)
  } catch (thrown) {
    if (context.letGo.aborted) throw thrown
    if (cancel.aborted) return { state: 'Canceled', errorMessage: 'The task was canceled.' }
    const error = toError(thrown)
    await log.root.write('Verbose', `${error.name}: ${error.message}`, error.stack)
    return failed(error.message)
  }
}

function failed(errorMessage: string): TaskVerdict {
  return { state: 'Failed', errorMessage }
}

/**
 * Carries out a task of any kind: opens its log, does the work, and ends the log's root with the verdict. Expected
 * failures are verdicts. Throws only after `letGo`, or when the log itself cannot be written.
 */
export async function carryOutTask(
  tools: TaskTools,
  kinds: ReadonlyMap<string, TaskKind>,
  task: ServerTask,
  { cancel, letGo }: TaskSignals,
): Promise<TaskVerdict> {
  const { store, vault, hub } = tools
  const log = await openTaskLog({ db: store.db, hub, vault, now: store.now }, task.id, task.description)
  await begin(task, log)
  const space = task.spaceId === null ? undefined : await store.spaces.get(task.spaceId)
  const memory = createTaskMemory(store.db, vault)
  const verdict = await work(kinds.get(task.name.toLowerCase()), {
    ...tools,
    task,
    space,
    log,
    memory,
    cancel,
    letGo,
  })
  const errorMessage = log.mask.apply(verdict.errorMessage)
  if (verdict.state === 'Failed') await log.root.writeOnce('verdict', 'Fatal', errorMessage)
  await log.root.end(rootStatus[verdict.state])
  return { ...verdict, errorMessage }
}
