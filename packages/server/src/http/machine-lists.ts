import { Type } from 'typebox'
import type { Store } from '../db/store.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, PageOf } from '../web/schema.ts'
import { MachineListQuery, toMachineQuery, toWorkerQuery, WorkerListQuery } from './machine-filters.ts'
import { MachineResource, toMachineResource, toWorkerResource, WorkerResource } from './machine-resource.ts'

/** `GET /machines` and `GET /machines/all`. */
export function addMachineListRoutes(app: App, { machines }: Store): void {
  const config = { permission: 'MachineView' } as const
  app.get(
    '/api/:space/machines',
    { config, schema: { querystring: MachineListQuery, response: { 200: PageOf(MachineResource) } } },
    async request => {
      const page = pageOf(request.query)
      const found = await machines.find({ ...toMachineQuery(request.space.id, request.query), ...page })
      return toPage(request, 'Machine', found, page, toMachineResource)
    },
  )
  app.get(
    '/api/:space/machines/all',
    { config, schema: { querystring: MachineListQuery, response: { 200: Type.Array(MachineResource) } } },
    async ({ query, space }) =>
      (await machines.find(toMachineQuery(space.id, query))).items.map(toMachineResource),
  )
}

/** `GET /workers` and `GET /workers/all`. */
export function addWorkerListRoutes(app: App, { workers }: Store): void {
  const config = { permission: 'WorkerView' } as const
  app.get(
    '/api/:space/workers',
    { config, schema: { querystring: WorkerListQuery, response: { 200: PageOf(WorkerResource) } } },
    async request => {
      const page = pageOf(request.query)
      const found = await workers.find({ ...toWorkerQuery(request.space.id, request.query), ...page })
      return toPage(request, 'Worker', found, page, toWorkerResource)
    },
  )
  app.get(
    '/api/:space/workers/all',
    { config, schema: { querystring: WorkerListQuery, response: { 200: Type.Array(WorkerResource) } } },
    async ({ query, space }) =>
      (await workers.find(toWorkerQuery(space.id, query))).items.map(toWorkerResource),
  )
}

/** `GET /environments/{id}/machines`. */
export function addEnvironmentMachineRoutes(app: App, { environments, machines }: Store): void {
  app.get(
    '/api/:space/environments/:id/machines',
    {
      config: { permission: 'MachineView' },
      schema: { params: ById, querystring: MachineListQuery, response: { 200: PageOf(MachineResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const environment = await environments.require(request.params.id, request.space.id)
      const query = toMachineQuery(request.space.id, { ...request.query, environmentIds: [environment.id] })
      return toPage(request, 'Machine', await machines.find({ ...query, ...page }), page, toMachineResource)
    },
  )
}

/** `GET /workerpools/{id}/workers`. */
export function addPoolWorkerRoutes(app: App, { workerPools, workers }: Store): void {
  app.get(
    '/api/:space/workerpools/:id/workers',
    {
      config: { permission: 'WorkerView' },
      schema: { params: ById, querystring: WorkerListQuery, response: { 200: PageOf(WorkerResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const pool = await workerPools.require(request.params.id, request.space.id)
      const query = toWorkerQuery(request.space.id, { ...request.query, workerPoolIds: [pool.id] })
      return toPage(request, 'Worker', await workers.find({ ...query, ...page }), page, toWorkerResource)
    },
  )
}

/** `GET /machinepolicies/{id}/machines` and `…/workers`. */
export function addPolicyMachineRoutes(app: App, { machinePolicies, machines, workers }: Store): void {
  app.get(
    '/api/:space/machinepolicies/:id/machines',
    {
      config: { permission: 'MachineView' },
      schema: { params: ById, querystring: MachineListQuery, response: { 200: PageOf(MachineResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const policy = await machinePolicies.require(request.params.id, request.space.id)
      const query = { ...toMachineQuery(request.space.id, request.query), machinePolicyId: policy.id }
      return toPage(request, 'Machine', await machines.find({ ...query, ...page }), page, toMachineResource)
    },
  )
  app.get(
    '/api/:space/machinepolicies/:id/workers',
    {
      config: { permission: 'WorkerView' },
      schema: { params: ById, querystring: WorkerListQuery, response: { 200: PageOf(WorkerResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const policy = await machinePolicies.require(request.params.id, request.space.id)
      const query = { ...toWorkerQuery(request.space.id, request.query), machinePolicyId: policy.id }
      return toPage(request, 'Worker', await workers.find({ ...query, ...page }), page, toWorkerResource)
    },
  )
}
