import { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import type { Store } from '../db/store.ts'
import { createTaskLogRepository } from '../db/task-log-repository.ts'
import type { TaskQuery } from '../db/task-repository.ts'
import { ServerError } from '../errors.ts'
import {
  finalTaskStates,
  type Json,
  type JsonObject,
  type ServerTask,
  type TaskState,
  taskStates,
} from '../model/task.ts'
import type { TaskService } from '../orchestration/task-service.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, slicePage, toPage } from '../web/paging.ts'
import {
  ById,
  Maybe,
  PageOf,
  pageQuery,
  QueryCount,
  QueryFlag,
  QueryList,
  QueryText,
  Words,
} from '../web/schema.ts'
import { parseInstant } from '../web/wire-time.ts'
import { activityTree, progressOf, TaskDetails } from './task-details.ts'
import { rawLog } from './task-raw-log.ts'
import { TaskResource, toTaskResource } from './task-resource.ts'

/** What the routes of tasks need. */
export interface TaskRouteParts {
  readonly tasks: TaskService
  readonly store: Store
  readonly identity: { readonly productVersion: string }
}

const TaskInput = Type.Object({
  Name: Type.String(),
  Description: Maybe(Type.String()),
  SpaceId: Maybe(Type.String()),
  Arguments: Maybe(Type.Record(Type.String(), Type.Unknown())),
  QueueTime: Maybe(Type.String()),
  QueueTimeExpiry: Maybe(Type.String()),
})

const StateInput = Type.Object({ State: Words(finalTaskStates), Reason: Maybe(Type.String()) })

const TaskListQuery = Type.Object({
  ...pageQuery,
  name: QueryText,
  active: QueryFlag,
  running: QueryFlag,
  states: QueryList,
  project: QueryText,
  environment: QueryText,
  node: QueryText,
  hasPendingInterruptions: QueryFlag,
  hasWarningsOrErrors: QueryFlag,
  spaces: QueryList,
  includeSystem: QueryFlag,
})

const Counts = Type.Record(Type.String(), Type.Integer())
const TaskPage = Type.Object({
  ...PageOf(TaskResource).properties,
  TotalCounts: Counts,
  TotalCountsInOtherSpaces: Counts,
})

const activeStates: readonly TaskState[] = ['Queued', 'Executing', 'Cancelling']
const runningStates: readonly TaskState[] = ['Executing', 'Cancelling']

/** A value that came out of a JSON body, as the type that says so. */
function toJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  if (Array.isArray(value)) return value.map(toJson)
  return typeof value === 'object' ? toJsonObject(value) : null
}

function toJsonObject(value: object): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
}

function statesOf({
  states,
  active,
  running,
}: Static<typeof TaskListQuery>): readonly TaskState[] | undefined {
  if (running === true) return runningStates
  if (active === true) return activeStates
  if (states === undefined) return undefined
  const wanted = states.map(state => state.toLowerCase())
  return taskStates.filter(state => wanted.includes(state.toLowerCase()))
}

function toQuery(query: Static<typeof TaskListQuery>, spaceId: string | undefined): TaskQuery {
  const { ids, name, partialName, project, environment, node, hasWarningsOrErrors, spaces, includeSystem } =
    query
  const states = statesOf(query)
  const wanted = spaces ?? (spaceId === undefined ? ['all'] : [spaceId])
  return {
    ...(wanted.some(space => space.toLowerCase() === 'all') ? {} : { spaceIds: wanted }),
    includeSystem: includeSystem ?? true,
    ...(ids && { ids }),
    ...(name !== undefined && { name }),
    ...(partialName !== undefined && { partialName }),
    ...(project !== undefined && { projectId: project }),
    ...(environment !== undefined && { environmentId: environment }),
    ...(node !== undefined && { serverNode: node }),
    ...(hasWarningsOrErrors !== undefined && { hasWarningsOrErrors }),
    ...(states && { states }),
  }
}

/** `tasks`: what the server does, did and will do. */
export function taskRoutes(app: App, { tasks, store, identity }: TaskRouteParts): void {
  const log = createTaskLogRepository(store.db)
  const view = { permission: 'TaskView' } as const
  const one = { params: ById, response: { 200: TaskResource } }
  const toResource = (task: ServerTask): Static<typeof TaskResource> =>
    toTaskResource(task, { canRerun: tasks.canRerun(task), now: store.now() })

  async function defaultSpaceId(): Promise<string | null> {
    return (await store.spaces.list()).items.find(space => space.isDefault)?.id ?? null
  }

  app.get(
    '/api/tasks',
    { config: view, schema: { querystring: TaskListQuery, response: { 200: TaskPage } } },
    async request => {
      const { query, spaceInAddress } = request
      const page = pageOf(query)
      // Nothing ever waits for an interruption here.
      const found =
        query.hasPendingInterruptions === true
          ? { items: [], total: 0, counts: undefined }
          : await tasks.list({ ...toQuery(query, spaceInAddress?.id), ...page })
      const counts = Object.fromEntries(taskStates.map(state => [state, found.counts?.[state] ?? 0]))
      return {
        ...toPage(request, 'Task', found, page, toResource),
        TotalCounts: { ...counts, Interrupted: 0 },
        TotalCountsInOtherSpaces: {},
      }
    },
  )

  app.post(
    '/api/tasks',
    { config: { permission: 'TaskCreate' }, schema: { body: TaskInput, response: { 201: TaskResource } } },
    async ({ body, user, spaceInAddress }, reply) => {
      if (!tasks.isPublic(body.Name)) {
        const problem = `Tasks of the kind '${body.Name}' cannot be made by themselves: they come from what they belong to.`
        throw new ServerError('ERR_INVALID_INPUT', problem, { problems: [problem] })
      }
      const task = await tasks.create({
        name: body.Name,
        description: body.Description ?? '',
        spaceId: body.SpaceId || spaceInAddress?.id || (await defaultSpaceId()),
        arguments: toJsonObject(body.Arguments ?? {}),
        queueTime: parseInstant(body.QueueTime, 'QueueTime'),
        queueTimeExpiry: parseInstant(body.QueueTimeExpiry, 'QueueTimeExpiry'),
        createdBy: user.id,
      })
      return reply.status(201).send(toResource(task))
    },
  )

  app.get(
    '/api/tasks/taskTypes',
    {
      config: view,
      schema: { response: { 200: Type.Array(Type.Object({ Id: Type.String(), Name: Type.String() })) } },
    },
    async () => tasks.kinds().map(({ name, title }) => ({ Id: name, Name: title })),
  )

  app.get('/api/tasks/:id', { config: view, schema: one }, async ({ params }) =>
    toResource(await tasks.require(params.id)),
  )

  app.get(
    '/api/tasks/:id/details',
    {
      config: { permission: 'TaskViewLog' },
      schema: {
        params: ById,
        querystring: Type.Object({ verbose: QueryFlag, tail: QueryCount }),
        response: { 200: TaskDetails },
      },
    },
    async ({ params, query }) => {
      const task = await tasks.require(params.id)
      const roots = await activityTree(log, task, { verbose: query.verbose ?? false, tail: query.tail })
      return {
        Id: `${task.id}/details`,
        Task: toResource(task),
        ActivityLogs: [...roots],
        PhysicalLogSize: task.logBytes,
        Progress: { ProgressPercentage: progressOf(task, roots), EstimatedTimeRemaining: '' },
        Links: { Self: `/api/tasks/${task.id}/details` },
      }
    },
  )

  app.get(
    '/api/tasks/:id/raw',
    { config: { permission: 'TaskViewLog' }, schema: { params: ById } },
    async ({ params }, reply) => {
      const task = await tasks.require(params.id)
      const text = rawLog(log, task, { version: identity.productVersion, now: store.now() })
      return reply.type('text/plain; charset=utf-8').send(Readable.from(text, { objectMode: false }))
    },
  )

  app.post(
    '/api/tasks/:id/cancel',
    { config: { permission: 'TaskCancel' }, schema: one },
    async ({ params }) => toResource(await tasks.cancel(params.id)),
  )

  app.post(
    '/api/tasks/rerun/:id',
    { config: { permission: 'TaskCreate' }, schema: one },
    async ({ params, user }) => toResource(await tasks.rerun(params.id, user.id)),
  )

  app.post(
    '/api/tasks/:id/state',
    { config: { permission: 'TaskEdit' }, schema: { ...one, body: StateInput } },
    async ({ params, body }) =>
      toResource(await tasks.overrideState(params.id, body.State, body.Reason ?? '')),
  )

  app.get(
    '/api/tasks/:id/queued-behind',
    {
      config: view,
      schema: {
        params: ById,
        querystring: Type.Object({ skip: QueryCount, take: QueryCount }),
        response: { 200: PageOf(TaskResource) },
      },
    },
    async request => {
      const page = pageOf(request.query)
      const behind = slicePage(await tasks.queuedBehind(request.params.id), page)
      return toPage(request, 'Task', behind, page, toResource)
    },
  )

  for (const kind of ['machines', 'workers'] as const) {
    const permission = kind === 'machines' ? 'MachineView' : 'WorkerView'
    app.get(
      `/api/:space/${kind}/:id/tasks`,
      {
        config: { permission },
        schema: {
          params: ById,
          querystring: Type.Object({ skip: QueryCount, take: QueryCount, type: QueryText }),
          response: { 200: PageOf(TaskResource) },
        },
      },
      async request => {
        const page = pageOf(request.query)
        const machine = await store[kind].require(request.params.id, request.space.id)
        const name = request.query.type
        const found = await tasks.list({
          machineId: machine.id,
          ...(name !== undefined && { name }),
          ...page,
        })
        return toPage(request, 'Task', found, page, toResource)
      },
    )
  }
}
