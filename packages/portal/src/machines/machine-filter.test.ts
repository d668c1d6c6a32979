import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Machine } from '../api/machines.ts'
import { countByHealth, filterMachines } from './machine-filter.ts'

function machine(name: string, part: Partial<Machine> = {}): Machine {
  return {
    id: `Machines-${name}`,
    name,
    environmentIds: ['Environments-1'],
    roles: ['web'],
    policyId: undefined,
    isDisabled: false,
    health: 'Healthy',
    summary: '',
    style: 'TentaclePassive',
    uri: `https://${name}.example.test:10933/`,
    thumbprint: 'AB',
    version: '1.0.0',
    operatingSystem: undefined,
    architecture: undefined,
    shell: undefined,
    lastChecked: undefined,
    ...part,
  }
}

const names = (machines: readonly Machine[]) => machines.map(({ name }) => name)

test('what needs attention stands first, then names in the order people count', () => {
  const machines = [
    machine('web10'),
    machine('web9'),
    machine('off', { isDisabled: true, health: 'Unhealthy' }),
    machine('gone', { health: 'Unavailable' }),
    machine('new', { health: 'Unknown' }),
    machine('odd', { health: 'SomethingNew' }),
    machine('hot', { health: 'HasWarnings' }),
  ]
  assert.deepEqual(names(filterMachines(machines, {})), ['gone', 'hot', 'new', 'web9', 'web10', 'off', 'odd'])
})

test('every word of the filter must occur somewhere', () => {
  const machines = [
    machine('web01'),
    machine('web02', { roles: ['web', 'edge'] }),
    machine('db', { style: 'TentacleActive', uri: 'poll://abc/' }),
  ]
  assert.deepEqual(names(filterMachines(machines, { text: 'WEB edge' })), ['web02'])
  assert.deepEqual(names(filterMachines(machines, { text: 'polling' })), ['db'])
  assert.deepEqual(names(filterMachines(machines, { text: '  ' })), ['db', 'web01', 'web02'])
  assert.deepEqual(names(filterMachines(machines, { text: 'nothing' })), [])
})

test('environment and health narrow as well; a disabled target counts as disabled only', () => {
  const machines = [
    machine('a', { environmentIds: ['Environments-2'] }),
    machine('b', { health: 'Unhealthy' }),
    machine('c', { health: 'Unhealthy', isDisabled: true }),
  ]
  assert.deepEqual(names(filterMachines(machines, { environmentId: 'Environments-2' })), ['a'])
  assert.deepEqual(names(filterMachines(machines, { health: 'Unhealthy' })), ['b'])
  assert.deepEqual(names(filterMachines(machines, { health: 'Disabled' })), ['c'])
  assert.deepEqual(Object.fromEntries(countByHealth(machines)), { Healthy: 1, Unhealthy: 1, Disabled: 1 })
})
