import type { ApiClient } from './client.ts'
import {
  asObject,
  flag,
  type Json,
  moment,
  number,
  object,
  optionalText,
  type Page,
  page,
  text,
} from './read.ts'

/** A piece of work that the server does: a deployment, a script, a health check. */
export interface Task {
  readonly id: string
  readonly spaceId: string | undefined
  /** The kind, such as `Deploy`, `AdHocScript` or `Health`. */
  readonly name: string
  readonly description: string
  readonly state: string
  readonly isCompleted: boolean
  readonly hasWarnings: boolean
  readonly errorMessage: string
  readonly queued: number | undefined
  readonly started: number | undefined
  readonly completed: number | undefined
  readonly canRerun: boolean
  readonly arguments: Json
}

/** One page of tasks, newest first, with the number of tasks by state name. */
export interface TaskPage extends Page<Task> {
  readonly counts: Json
}

/** What a list of tasks is narrowed to. */
export interface TaskFilter {
  readonly states?: readonly string[]
  readonly skip?: number
  readonly take?: number
}

export async function listTasks(
  api: ApiClient,
  space: string,
  { states = [], skip = 0, take = 30 }: TaskFilter = {},
  signal?: AbortSignal,
): Promise<TaskPage> {
  const query = new URLSearchParams({ skip: String(skip), take: String(take), spaces: space })
  if (states.length > 0) query.set('states', states.join(','))
  const answer = await api.get(`api/tasks?${query}`, signal)
  return { ...page(answer, readTask), counts: object(asObject(answer), 'TotalCounts') }
}

export async function getTask(api: ApiClient, id: string, signal?: AbortSignal): Promise<Task> {
  return readTask(asObject(await api.get(`api/tasks/${encodeURIComponent(id)}`, signal)))
}

/** Several tasks at once; ids that the server no longer knows are missing from the answer. */
export async function getTasks(
  api: ApiClient,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<readonly Task[]> {
  if (ids.length === 0) return []
  const query = new URLSearchParams({ ids: ids.join(','), take: String(ids.length) })
  return page(await api.get(`api/tasks?${query}`, signal), readTask).items
}

/** Asks the server to end a task. It answers at once; the scripts end a moment later. */
export async function cancelTask(api: ApiClient, id: string): Promise<Task> {
  return readTask(asObject(await api.post(`api/tasks/${encodeURIComponent(id)}/cancel`, {})))
}

/** The body of a request for a new task. */
export interface NewTask {
  readonly Name: string
  readonly Description: string
  readonly SpaceId: string
  readonly Arguments: Json
}

export async function createTask(api: ApiClient, task: NewTask): Promise<Task> {
  return readTask(asObject(await api.post('api/tasks', task)))
}

/** A check of the machines given, or of one only. */
export function healthCheck(space: string, machines: readonly { id: string; name: string }[]): NewTask {
  const [only, ...others] = machines
  const description =
    only && others.length === 0
      ? `Check the health of ${only.name}`
      : `Check the health of ${machines.length} targets`
  return {
    Name: 'Health',
    Description: description,
    SpaceId: space,
    Arguments: { Timeout: '00:05:00', MachineTimeout: '00:01:00', MachineIds: machines.map(({ id }) => id) },
  }
}

/** The address of a task's whole log as text. */
export function rawLogUrl(api: ApiClient, id: string): string {
  return api.url(`api/tasks/${encodeURIComponent(id)}/raw`)
}

export function readTask(task: Json): Task {
  const state = text(task, 'State')
  return {
    id: text(task, 'Id'),
    spaceId: optionalText(task, 'SpaceId'),
    name: text(task, 'Name'),
    description: text(task, 'Description') || text(task, 'Name'),
    state,
    isCompleted: flag(task, 'IsCompleted'),
    hasWarnings: flag(task, 'HasWarningsOrErrors') && state === 'Success',
    errorMessage: text(task, 'ErrorMessage'),
    queued: moment(task, 'QueueTime'),
    started: moment(task, 'StartTime'),
    completed: moment(task, 'CompletedTime'),
    canRerun: flag(task, 'CanRerun'),
    arguments: object(task, 'Arguments'),
  }
}

/** How many tasks are in a state, where the server told it. */
export function countOf(counts: Json, state: string): number | undefined {
  return state in counts ? number(counts, state) : undefined
}
