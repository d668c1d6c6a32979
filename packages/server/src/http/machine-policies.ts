import { Type } from 'typebox'
import type { Store } from '../db/store.ts'
import { defaultMachinePolicy, type MachinePolicy } from '../model/machine-policy.ts'
import type { App } from '../web/app-types.ts'
import { ById, Nothing } from '../web/schema.ts'
import { addReadRoutes } from './collection.ts'
import { inUse, invalid } from './input-checks.ts'
import { addPolicyMachineRoutes } from './machine-lists.ts'
import {
  MachinePolicyInput,
  MachinePolicyResource,
  readPolicy,
  toPolicyFields,
  toPolicyResource,
} from './machine-policy-resource.ts'

async function takeOverDefault(within: Store, policy: MachinePolicy): Promise<void> {
  if (!policy.isDefault) return
  const { items } = await within.machinePolicies.list({ spaceId: policy.spaceId })
  for (const other of items) {
    if (other.isDefault && other.id !== policy.id)
      await within.machinePolicies.update({ ...other, isDefault: false })
  }
}

/** `machinepolicies`: how machines are checked, called and cared for. */
export function machinePolicyRoutes(app: App, { store }: { readonly store: Store }): void {
  const { machinePolicies, machines, workers } = store
  const base = '/api/:space/machinepolicies'
  addReadRoutes(app, {
    path: 'machinepolicies',
    itemType: 'MachinePolicy',
    view: 'MachinePolicyView',
    resource: MachinePolicyResource,
    documents: machinePolicies,
    toResource: toPolicyResource,
  })
  addPolicyMachineRoutes(app, store)

  app.get(
    `${base}/template`,
    {
      config: { permission: 'MachinePolicyView' },
      schema: { response: { 200: Type.Record(Type.String(), Type.Unknown()) } },
    },
    async ({ space }) => ({
      Id: null,
      Name: null,
      SpaceId: space.id,
      ...toPolicyFields(defaultMachinePolicy),
      Links: {},
    }),
  )

  app.post(
    base,
    {
      config: { permission: 'MachinePolicyCreate' },
      schema: { body: MachinePolicyInput, response: { 201: MachinePolicyResource } },
    },
    async ({ body, space, user }, reply) => {
      const contents = readPolicy(body, defaultMachinePolicy)
      const policy = await store.transaction(async within => {
        const made = await within.machinePolicies.insert(
          { spaceId: space.id, ...contents },
          { by: user.username },
        )
        await takeOverDefault(within, made)
        return made
      })
      void reply.status(201)
      return toPolicyResource(policy)
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'MachinePolicyEdit' },
      schema: { params: ById, body: MachinePolicyInput, response: { 200: MachinePolicyResource } },
    },
    async ({ params, body, space, user }) => {
      const policy = await store.transaction(async within => {
        const before = await within.machinePolicies.require(params.id, space.id)
        const after = readPolicy(body, before)
        if (before.isDefault && !after.isDefault) {
          throw invalid('There must be a default machine policy. Make another one the default instead.')
        }
        const changed = await within.machinePolicies.update({ ...before, ...after }, user.username)
        await takeOverDefault(within, changed)
        return changed
      })
      return toPolicyResource(policy)
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'MachinePolicyDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const policy = await machinePolicies.require(params.id, space.id)
      if (policy.isDefault)
        throw inUse(`'${policy.name}' is the default machine policy. Make another one the default first.`)
      const query = { spaceId: space.id, machinePolicyId: policy.id, take: 1 }
      const total = (await machines.find(query)).total + (await workers.find(query)).total
      if (total > 0)
        throw inUse(`'${policy.name}' is the policy of ${total} machine(s). Give them another one first.`)
      await machinePolicies.delete(policy.id)
      return {}
    },
  )
}
