import type { Store } from '../db/store.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { TaskContext } from './task-kind.ts'

/** Machines and workers with these ids, in the order of the ids; unknown ids are left out. */
export async function machinesById(store: Store, ids: readonly string[]): Promise<readonly AnyMachine[]> {
  const found: AnyMachine[] = [...(await store.machines.getMany(ids)), ...(await store.workers.getMany(ids))]
  const byId = new Map(found.map(machine => [machine.id.toLowerCase(), machine]))
  return ids.flatMap(id => byId.get(id.toLowerCase()) ?? [])
}

/**
 * The machines of a task, chosen once: after a restart of the server the task goes on with the same ones, whatever was
 * added to the environment meanwhile. Machines that were deleted are left out.
 */
export async function rememberTargets(
  { task, memory, store }: Pick<TaskContext, 'task' | 'memory' | 'store'>,
  choose: () => Promise<readonly AnyMachine[]>,
): Promise<readonly AnyMachine[]> {
  const known = await memory.recall(task.id, 'targets')
  if (Array.isArray(known)) {
    return machinesById(
      store,
      known.filter(id => typeof id === 'string'),
    )
  }
  const chosen = await choose()
  const ids = chosen.map(machine => machine.id)
  await memory.remember(task.id, 'targets', ids)
  await store.tasks.addMachines(task.id, ids)
  return chosen
}
