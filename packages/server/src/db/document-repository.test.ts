import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isServerError } from '../errors.ts'
import { type Machine, unknownHealth } from '../model/machine.ts'
import { openDatabase } from './database.ts'
import { migrations } from './migrations/index.ts'
import { createStore, type Store } from './store.ts'

async function openStore(t: TestContext): Promise<Store> {
  const db = await openDatabase(':memory:', migrations)
  t.after(() => db.destroy())
  return createStore(db)
}

function machine(name: string, more: Partial<Machine> = {}) {
  return {
    kind: 'machine' as const,
    spaceId: 'Spaces-1',
    name,
    slug: name.toLowerCase(),
    endpoint: {
      style: 'TentacleActive' as const,
      uri: `poll://${name}/`,
      thumbprint: 'A'.repeat(40),
      tentacleVersion: null,
      upgradeLocked: false,
      certificateSignatureAlgorithm: null,
    },
    machinePolicyId: null,
    isDisabled: false,
    health: unknownHealth,
    environmentIds: ['Environments-1'],
    roles: ['web'],
    tenantedDeploymentParticipation: 'Untenanted' as const,
    tenantIds: [],
    tenantTags: [],
    ...more,
  }
}

test('ids count up and are not used again after a deletion', async t => {
  const store = await openStore(t)
  assert.equal((await store.machines.insert(machine('a'))).id, 'Machines-1')
  assert.equal((await store.machines.insert(machine('b'))).id, 'Machines-2')
  assert.equal(await store.machines.delete('Machines-2'), true)
  assert.equal(await store.machines.delete('Machines-2'), false)
  assert.equal((await store.machines.insert(machine('b'))).id, 'Machines-3')
})

test('a name is unique in its space without regard to case', async t => {
  const store = await openStore(t)
  await store.machines.insert(machine('Web'))
  await store.machines.insert(machine('web', { spaceId: 'Spaces-2' }))
  await assert.rejects(store.machines.insert(machine('WEB')), error => isServerError(error, 'ERR_NAME_TAKEN'))
  assert.equal((await store.machines.byName('Spaces-1', 'wEb'))?.name, 'Web')
})

test('lists filter by column, by list and by name, and page', async t => {
  const store = await openStore(t)
  for (const name of ['db01', 'web01', 'web02']) {
    await store.machines.insert(machine(name, { roles: name.startsWith('web') ? ['Web', 'all'] : ['db'] }))
  }
  const names = async (query: Parameters<Store['machines']['find']>[0]) =>
    (await store.machines.find(query)).items.map(item => item.name)
  assert.deepEqual(await names({ roles: ['WEB'] }), ['web01', 'web02'])
  assert.deepEqual(await names({ partialName: 'B0', skip: 1, take: 1 }), ['web01'])
  assert.deepEqual(await names({ ids: ['machines-3', 'Machines-99'] }), ['web02'])
  assert.deepEqual(await names({ isDisabled: true }), [])
  assert.equal((await store.machines.find({ take: 1 })).total, 3)
  assert.deepEqual(await store.machines.rolesInUse('Spaces-1'), ['all', 'db', 'Web'])
})

test('an update of an older revision is refused and changes nothing', async t => {
  const store = await openStore(t)
  const first = await store.machines.insert(machine('a'))
  await store.machines.update({ ...first, isDisabled: true })
  await assert.rejects(store.machines.update({ ...first, name: 'b' }), error =>
    isServerError(error, 'ERR_REVISION'),
  )
  assert.deepEqual(
    (({ name, revision, isDisabled }) => ({ name, revision, isDisabled }))(
      await store.machines.require(first.id),
    ),
    {
      name: 'a',
      revision: 2,
      isDisabled: true,
    },
  )
})

test('changes at the same time are all kept', async t => {
  const store = await openStore(t)
  const { id } = await store.machines.insert(machine('a', { roles: [] }))
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      store.machines.change(id, item => ({ ...item, roles: [...item.roles, `role${n}`] })),
    ),
  )
  assert.equal((await store.machines.require(id)).roles.length, 20)
})

test('a transaction that fails leaves nothing, also of nested ones', async t => {
  const store = await openStore(t)
  const failing = store.transaction(async outer => {
    await outer.machines.insert(machine('a'))
    await outer.transaction(async inner => {
      await inner.machines.insert(machine('b'))
      await inner.machines.change('Machines-1', item => ({ ...item, isDisabled: true }))
    })
    throw new Error('stop')
  })
  await assert.rejects(failing, /stop/)
  assert.equal(await store.machines.count(), 0)
})
