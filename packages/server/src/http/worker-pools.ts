import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { WorkerPool } from '../model/worker-pool.ts'
import type { App } from '../web/app-types.ts'
import { ById, Links, Maybe, NamedResource, Nothing } from '../web/schema.ts'
import { addReadRoutes, namedHeadOf } from './collection.ts'
import { checkName, collectProblems, inUse, invalid } from './input-checks.ts'
import { toWorkerQuery } from './machine-filters.ts'
import { addPoolWorkerRoutes } from './machine-lists.ts'
import { machineFiltersOf, SummaryQuery, summarize, summaryFields } from './machine-summary.ts'

const PoolResource = NamedResource({
  Description: Type.String(),
  IsDefault: Type.Boolean(),
  SortOrder: Type.Integer(),
  WorkerPoolType: Type.String(),
  CanAddWorkers: Type.Boolean(),
})

const PoolInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  IsDefault: Maybe(Type.Boolean()),
  SortOrder: Maybe(Type.Integer()),
  WorkerPoolType: Maybe(Type.String()),
})

const PoolSummaries = Type.Object({
  ...summaryFields,
  WorkerPoolSummaries: Type.Array(Type.Object({ ...summaryFields, WorkerPool: PoolResource })),
  Links,
})

function toResource(pool: WorkerPool): Static<typeof PoolResource> {
  const self = `/api/${pool.spaceId}/workerpools/${pool.id}`
  return {
    ...namedHeadOf(pool, self, {
      Workers: `${self}/workers{?skip,take,partialName,isDisabled,healthStatuses,commStyles}`,
    }),
    Description: pool.description,
    IsDefault: pool.isDefault,
    SortOrder: pool.sortOrder,
    WorkerPoolType: 'StaticWorkerPool',
    CanAddWorkers: true,
  }
}

function contents(input: Static<typeof PoolInput>, before: Partial<WorkerPool>) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a worker pool', problems)
  if ((input.WorkerPoolType ?? 'StaticWorkerPool') !== 'StaticWorkerPool') {
    problems.add(`WorkerPoolType is '${input.WorkerPoolType}'; this server has static worker pools only.`)
  }
  problems.throwIfAny()
  return {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
    sortOrder: input.SortOrder ?? before.sortOrder ?? 0,
    isDefault: input.IsDefault ?? before.isDefault ?? false,
  }
}

/** There is exactly one default: another pool that becomes it takes it over. */
async function takeOverDefault(within: Store, pool: WorkerPool): Promise<void> {
  if (!pool.isDefault) return
  const { items } = await within.workerPools.list({ spaceId: pool.spaceId })
  for (const other of items) {
    if (other.isDefault && other.id !== pool.id)
      await within.workerPools.update({ ...other, isDefault: false })
  }
}

/** `workerpools`: groups of workers. */
export function workerPoolRoutes(app: App, { store }: { readonly store: Store }): void {
  const { workerPools, workers } = store
  const base = '/api/:space/workerpools'
  addReadRoutes(app, {
    path: 'workerpools',
    itemType: 'WorkerPool',
    view: 'WorkerView',
    resource: PoolResource,
    documents: workerPools,
    toResource,
  })
  addPoolWorkerRoutes(app, store)

  app.get(
    `${base}/summary`,
    {
      config: { permission: 'WorkerView' },
      schema: { querystring: SummaryQuery, response: { 200: PoolSummaries } },
    },
    async ({ query, space }) => {
      const { ids, partialName } = query
      const shown = await workerPools.list({
        spaceId: space.id,
        ...(ids && { ids }),
        ...(partialName && { partialName }),
      })
      const { items } = await workers.find(toWorkerQuery(space.id, machineFiltersOf(query)))
      const each = shown.items.map(pool => ({
        ...summarize(items.filter(worker => worker.workerPoolIds.includes(pool.id))),
        WorkerPool: toResource(pool),
      }))
      return {
        ...summarize(items),
        WorkerPoolSummaries: each.filter(
          summary => query.hideEmptyWorkerPools !== true || summary.TotalMachines > 0,
        ),
        Links: { Self: `/api/${space.id}/workerpools/summary` },
      }
    },
  )

  app.get(
    `${base}/supportedtypes`,
    { config: { permission: 'WorkerView' }, schema: { response: { 200: Type.Array(Type.String()) } } },
    async () => ['StaticWorkerPool'],
  )

  app.post(
    base,
    { config: { permission: 'WorkerEdit' }, schema: { body: PoolInput, response: { 201: PoolResource } } },
    async ({ body, space, user }, reply) => {
      const pool = await store.transaction(async within => {
        const made = await within.workerPools.insert(
          { spaceId: space.id, ...contents(body, {}) },
          { by: user.username },
        )
        await takeOverDefault(within, made)
        return made
      })
      void reply.status(201)
      return toResource(pool)
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'WorkerEdit' },
      schema: { params: ById, body: PoolInput, response: { 200: PoolResource } },
    },
    async ({ params, body, space, user }) => {
      const pool = await store.transaction(async within => {
        const before = await within.workerPools.require(params.id, space.id)
        const after = contents(body, before)
        if (before.isDefault && !after.isDefault)
          throw invalid('There must be a default worker pool. Make another one the default instead.')
        const changed = await within.workerPools.update({ ...before, ...after }, user.username)
        await takeOverDefault(within, changed)
        return changed
      })
      return toResource(pool)
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'WorkerEdit' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const pool = await workerPools.require(params.id, space.id)
      if (pool.isDefault)
        throw inUse(`'${pool.name}' is the default worker pool. Make another one the default first.`)
      const { total } = await workers.find({ spaceId: space.id, workerPoolIds: [pool.id], take: 1 })
      if (total > 0) throw inUse(`'${pool.name}' has ${total} worker(s). Delete or move them first.`)
      await workerPools.delete(pool.id)
      return {}
    },
  )
}
