import type { Store } from '../db/store.ts'
import type { FoundTasks, TaskQuery } from '../db/task-repository.ts'
import { deployRelease } from '../deployment/deploy-release.ts'
import { ServerError } from '../errors.ts'
import { type FinalTaskState, isFinalState, type ServerTask, type TaskDraft } from '../model/task.ts'
import { createTaskQueue, type TaskQueueOptions } from '../queue/task-queue.ts'
import type { TaskKind, TaskTools } from '../work/task-kind.ts'
import { adHocScript } from './ad-hoc-script.ts'
import { carryOutTask } from './carry-out-task.ts'
import { healthCheck } from './health-check.ts'

/** Every kind of task that this server carries out. */
export const taskKinds: readonly TaskKind[] = [adHocScript, healthCheck, deployRelease]

/** The tasks, for everybody outside of the queue. */
export interface TaskService {
  /** Takes an id for a task that is made in a moment, for a document that must name it. */
  reserveId(within?: Store): Promise<string>
  /**
   * Queues a task. In a transaction the task exists only if the transaction does. Throws `ERR_INVALID_INPUT` for an
   * unknown kind and for arguments that the kind does not take.
   */
  create(draft: TaskDraft, within?: Store, options?: { readonly id?: string }): Promise<ServerTask>
  get(id: string): Promise<ServerTask | undefined>
  /** As get; throws `ERR_NOT_FOUND`. */
  require(id: string): Promise<ServerTask>
  list(query?: TaskQuery): Promise<FoundTasks>
  /** Unfinished tasks that this one waits for. */
  queuedBehind(id: string): Promise<readonly ServerTask[]>
  /** A queued task is Canceled at once, an executing one becomes Cancelling; a finished one stays as it is. */
  cancel(id: string): Promise<ServerTask>
  /** Makes a new task with the same arguments; throws `ERR_INVALID_INPUT` for kinds that cannot be done again. */
  rerun(id: string, createdBy: string | null): Promise<ServerTask>
  canRerun(task: ServerTask): boolean
  /** True when users may make tasks of this kind by themselves. Also true for unknown kinds: `create` refuses them. */
  isPublic(kind: string): boolean
  /** The kinds of tasks, with a title for people. */
  kinds(): readonly { readonly name: string; readonly title: string }[]
  /** An operator's own verdict on a finished task. */
  overrideState(id: string, state: FinalTaskState, reason: string): Promise<ServerTask>
  /** Starts carrying out tasks, first those that an earlier process of this node left. */
  start(): void
  /** Lets go of the tasks in work; they go on after the next start. */
  stop(): Promise<void>
}

export interface TaskServiceOptions extends TaskTools {
  /** Name of this node; the same after each start. */
  readonly node: string
  readonly onError: TaskQueueOptions['onError']
  readonly queue?: Pick<TaskQueueOptions, 'cap' | 'leaseMs' | 'pollMs'>
  readonly kinds?: readonly TaskKind[]
}

/** Makes the tasks' service and its queue; nothing is carried out before `start`. */
export function createTaskService(options: TaskServiceOptions): TaskService {
  const { store, hub, node, onError } = options
  const kinds = new Map((options.kinds ?? taskKinds).map(kind => [kind.name.toLowerCase(), kind]))
  const { tasks } = store
  const queue = createTaskQueue({
    db: store.db,
    node,
    work: (task, signals) => carryOutTask(options, kinds, task, signals),
    onChanged: task => hub.publish({ kind: 'task', task }),
    onError,
    now: store.now,
    ...options.queue,
  })

  function kindOf(name: string): TaskKind {
    const kind = kinds.get(name.toLowerCase())
    if (kind !== undefined) return kind
    const names = [...kinds.values()].map(known => known.name).join(', ')
    const problem = `There is no kind of task named '${name}'. Known: ${names}.`
    throw new ServerError('ERR_INVALID_INPUT', problem, { problems: [problem] })
  }

  async function create(
    draft: TaskDraft,
    within: Store = store,
    { id }: { readonly id?: string } = {},
  ): Promise<ServerTask> {
    const kind = kindOf(draft.name)
    const checked = await kind.check(draft.arguments, { store: within, spaceId: draft.spaceId })
    const task = await within.tasks.insert(
      {
        ...draft,
        name: kind.name,
        description: draft.description.trim() || kind.defaultDescription,
        arguments: checked.arguments,
        machineIds: [...(draft.machineIds ?? []), ...(checked.machineIds ?? [])],
      },
      id === undefined ? {} : { id },
    )
    hub.publish({ kind: 'task', task })
    // In a transaction the claim waits for its end: there is one connection.
    queue.wake()
    return task
  }

  return {
    reserveId: (within = store) => within.tasks.reserveId(),
    create,
    get: id => tasks.get(id),
    require: id => tasks.require(id),
    list: query => tasks.list(query),
    async queuedBehind(id) {
      return tasks.queuedBehind(await tasks.require(id))
    },
    async cancel(id) {
      const before = await tasks.require(id)
      if (isFinalState(before.state)) return before
      const task = await tasks.cancel(id)
      if (task.state === 'Cancelling') queue.cancel(task.id)
      hub.publish({ kind: 'task', task })
      queue.wake()
      return task
    },
    async rerun(id, createdBy) {
      const task = await tasks.require(id)
      if (!kindOf(task.name).canRerun) {
        const problem = `A task of the kind '${task.name}' cannot be run again by itself. Make a new one where it came from.`
        throw new ServerError('ERR_INVALID_INPUT', problem, { problems: [problem] })
      }
      const { spaceId, name, description, projectId, environmentId, concurrencyTag } = task
      const again = { spaceId, name, description, projectId, environmentId, concurrencyTag, createdBy }
      return create({ ...again, arguments: task.arguments })
    },
    isPublic: kind => kinds.get(kind.toLowerCase())?.isPublic ?? true,
    kinds: () => [...kinds.values()].map(({ name, title }) => ({ name, title })),
    canRerun: task => kinds.get(task.name.toLowerCase())?.canRerun ?? false,
    async overrideState(id, state, reason) {
      const task = await tasks.overrideState(id, state, reason)
      hub.publish({ kind: 'task', task })
      return task
    },
    start: () => queue.start(),
    stop: () => queue.stop(),
  }
}
