import { toError } from '../errors.ts'
import type { LogNode } from '../live/task-log.ts'
import type { TaskVerdict } from '../queue/claim-task.ts'
import type { TaskContext } from './task-kind.ts'

/** What came of the work on one machine. `failed` has a sentence for people. */
export type MachineOutcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * Does the work on one machine in its node of the log: the node runs, ends with the outcome, and tells the reason of a
 * failure. What the work throws is a failure of this machine only, unless the process lets go of the task.
 */
export async function workOnMachine(
  { cancel, letGo }: Pick<TaskContext, 'cancel' | 'letGo'>,
  node: LogNode,
  work: () => Promise<MachineOutcome>,
): Promise<MachineOutcome> {
  await node.start()
  const outcome = await work().catch((error): MachineOutcome => {
    if (letGo.aborted) throw error
    return cancel.aborted ? { kind: 'canceled' } : { kind: 'failed', reason: toError(error).message }
  })
  if (outcome.kind === 'failed') await node.writeOnce('failure', 'Fatal', outcome.reason)
  if (outcome.kind === 'canceled') await node.writeOnce('canceled', 'Abandoned', 'Canceled.')
  await node.end(outcome.kind === 'success' ? 'Success' : outcome.kind === 'failed' ? 'Failed' : 'Canceled')
  return outcome
}

/** The verdict on a task from what came of it on its machines. */
export function verdictOf(
  canceled: boolean,
  outcomes: readonly { readonly machine: string; readonly outcome: MachineOutcome }[],
): TaskVerdict {
  if (canceled) return { state: 'Canceled', errorMessage: 'The task was canceled.' }
  const failures = outcomes.flatMap(({ machine, outcome }) =>
    outcome.kind === 'failed' ? [`${machine}: ${outcome.reason}`] : [],
  )
  const [first] = failures
  if (first === undefined) return { state: 'Success', errorMessage: '' }
  const errorMessage =
    outcomes.length === 1 ? first : `Failed on ${failures.length} of ${outcomes.length} machines. ${first}`
  return { state: 'Failed', errorMessage }
}
