import { Type } from 'typebox'
import type { App } from '../web/app-types.ts'
import { ById, Nothing } from '../web/schema.ts'
import { isOtherTentacle, machineDeleted, machineStored } from './machine-changes.ts'
import { MachineInput, readMachine } from './machine-input.ts'
import { addMachineListRoutes } from './machine-lists.ts'
import { addMachinePartRoutes } from './machine-parts.ts'
import { MachineResource, toMachineResource } from './machine-resource.ts'
import type { HttpParts } from './parts.ts'

/** `machines`: the deployment targets. */
export function machineRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const { machines } = store
  const base = '/api/:space/machines'
  const view = { permission: 'MachineView' } as const
  addMachineListRoutes(app, store)
  addMachinePartRoutes(app, parts, {
    path: 'machines',
    view: 'MachineView',
    create: 'MachineCreate',
    require: machines.require,
  })

  app.get(
    `${base}/:id`,
    { config: view, schema: { params: ById, response: { 200: MachineResource } } },
    async request => toMachineResource(await machines.require(request.params.id, request.space.id)),
  )

  app.post(
    base,
    {
      config: { permission: 'MachineCreate' },
      schema: { body: MachineInput, response: { 201: MachineResource } },
    },
    async ({ body, space, user }, reply) => {
      const machine = await machines.insert(await readMachine(store, space.id, body), { by: user.username })
      const checkHealth = body.SkipInitialHealthCheck !== true
      await machineStored(parts, machine, { change: 'added', checkHealth, by: user.id })
      void reply.status(201)
      return toMachineResource(machine)
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'MachineEdit' },
      schema: { params: ById, body: MachineInput, response: { 200: MachineResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await machines.require(params.id, space.id)
      const contents = await readMachine(store, space.id, body, before)
      const machine = await machines.update({ ...before, ...contents }, user.username)
      const checkHealth = isOtherTentacle(before, machine) && body.SkipInitialHealthCheck !== true
      await machineStored(parts, machine, { change: 'changed', checkHealth, by: user.id })
      return toMachineResource(machine)
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'MachineDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const machine = await machines.require(params.id, space.id)
      await machines.delete(machine.id)
      await machineDeleted(parts, machine)
      return {}
    },
  )

  app.get(
    '/api/:space/machineroles/all',
    { config: view, schema: { response: { 200: Type.Array(Type.String()) } } },
    async request => [...(await machines.rolesInUse(request.space.id))],
  )

  for (const [path, field] of [
    ['names', 'operatingSystem'],
    ['shells', 'shellName'],
  ] as const) {
    app.get(
      `${base}/operatingsystem/${path}/all`,
      { config: view, schema: { response: { 200: Type.Array(Type.String()) } } },
      async request => {
        const { items } = await machines.list({ spaceId: request.space.id })
        return [...new Set(items.flatMap(({ health }) => health[field] ?? []))].toSorted()
      },
    )
  }
}
