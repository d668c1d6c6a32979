import type { App } from '../web/app-types.ts'
import { ById, Nothing } from '../web/schema.ts'
import { isOtherTentacle, machineDeleted, machineStored } from './machine-changes.ts'
import { readWorker, WorkerInput } from './machine-input.ts'
import { addWorkerListRoutes } from './machine-lists.ts'
import { addMachinePartRoutes } from './machine-parts.ts'
import { toWorkerResource, WorkerResource } from './machine-resource.ts'
import type { HttpParts } from './parts.ts'

/** `workers`: the machines that run steps on the server's behalf. */
export function workerRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const { workers } = store
  const base = '/api/:space/workers'
  addWorkerListRoutes(app, store)
  addMachinePartRoutes(app, parts, {
    path: 'workers',
    view: 'WorkerView',
    create: 'WorkerEdit',
    require: workers.require,
  })

  app.get(
    `${base}/:id`,
    { config: { permission: 'WorkerView' }, schema: { params: ById, response: { 200: WorkerResource } } },
    async request => toWorkerResource(await workers.require(request.params.id, request.space.id)),
  )

  app.post(
    base,
    {
      config: { permission: 'WorkerEdit' },
      schema: { body: WorkerInput, response: { 201: WorkerResource } },
    },
    async ({ body, space, user }, reply) => {
      const worker = await workers.insert(await readWorker(store, space.id, body), { by: user.username })
      const checkHealth = body.SkipInitialHealthCheck !== true
      await machineStored(parts, worker, { change: 'added', checkHealth, by: user.id })
      void reply.status(201)
      return toWorkerResource(worker)
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'WorkerEdit' },
      schema: { params: ById, body: WorkerInput, response: { 200: WorkerResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await workers.require(params.id, space.id)
      const contents = await readWorker(store, space.id, body, before)
      const worker = await workers.update({ ...before, ...contents }, user.username)
      const checkHealth = isOtherTentacle(before, worker) && body.SkipInitialHealthCheck !== true
      await machineStored(parts, worker, { change: 'changed', checkHealth, by: user.id })
      return toWorkerResource(worker)
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'WorkerEdit' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const worker = await workers.require(params.id, space.id)
      await workers.delete(worker.id)
      await machineDeleted(parts, worker)
      return {}
    },
  )
}
