import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outputVariables } from './output-variables.ts'
import { mergeVariables } from './variable-list.ts'

test('deployment 7.4: each machine sees its own value under the plain name, and all of them by machine name', () => {
  const output = (machineId: string, machineName: string, value: string) => ({
    action: 'Build',
    machineId,
    machineName,
    name: 'X',
    value,
    isSensitive: false,
  })
  const outputs = [output('Machines-1', 'web01', 'one'), output('Machines-2', 'web02', 'two')]
  const seenFrom = (machineId?: string) =>
    Object.fromEntries(
      mergeVariables(outputVariables(outputs, machineId)).map(({ name, value }) => [name, value]),
    )
  assert.deepEqual(seenFrom('Machines-1'), {
    'Octopus.Action[Build].Output.X': 'one',
    'Octopus.Action[Build].Output[web01].X': 'one',
    'Octopus.Action[Build].Output[web02].X': 'two',
  })
  assert.equal(seenFrom('Machines-2')['Octopus.Action[Build].Output.X'], 'two')
  assert.equal(seenFrom()['Octopus.Action[Build].Output.X'], 'two')
})
