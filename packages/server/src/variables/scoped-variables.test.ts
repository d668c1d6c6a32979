import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { SecretVault } from '../model/secret.ts'
import type { Variable, VariableScope } from '../model/variable-set.ts'
import { chooseVariables, rankOf, type ScopeContext, secretsOf } from './scoped-variables.ts'

const vault: SecretVault = {
  seal: text => ({ sealed: Buffer.from(text).toString('base64') }),
  open: ({ sealed }) => Buffer.from(sealed, 'base64').toString(),
}
let nextId = 0

function variable(
  name: string,
  value: string,
  scope: VariableScope = {},
  more: Partial<Variable> = {},
): Variable {
  nextId += 1
  return {
    id: `v${nextId}`,
    name,
    value,
    description: '',
    type: 'String',
    isEditable: true,
    prompt: null,
    scope,
    ...more,
  }
}

const context: ScopeContext = {
  environmentId: 'Environments-1',
  machineId: 'Machines-1',
  machineRoles: ['web', 'linux'],
  stepRoles: ['web'],
  action: ['action-1', 'Deploy web'],
  channelId: 'Channels-1',
  tenantTags: ['Ring/Early'],
  processOwner: 'Projects-1',
}

function valuesOf(...candidates: Variable[]): Record<string, string> {
  const { variables } = chooseVariables(candidates, context, vault)
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]))
}

describe('the value of a variable', () => {
  test('deployment 7.54: action beats machine, targeted role, role, tenant tag, environment, channel and no scope', () => {
    const ranked: VariableScope[] = [
      {},
      { Channel: ['Channels-1'] },
      { Environment: ['Environments-1'] },
      { TenantTag: ['ring/early'] },
      { Role: ['linux'] },
      { Role: ['web'] },
      { Machine: ['Machines-1'] },
      { Action: ['action-1'] },
    ]
    const ranks = ranked.map(scope => rankOf({ scope }, context) ?? Number.NaN)
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => a - b),
    )
    assert.equal(new Set(ranks).size, ranks.length)
  })

  test('deployment 7.54: fields add up', () => {
    const one = variable('A', 'one', { Environment: ['Environments-1'] })
    const two = variable('A', 'two', { Environment: ['Environments-1'], Channel: ['Channels-1'] })
    assert.deepEqual(valuesOf(one, two), { A: 'two' })
    assert.deepEqual(valuesOf(two, one), { A: 'two' })
  })

  test('two roles do not rank higher than one', () => {
    const both = rankOf({ scope: { Role: ['web', 'linux'] } }, context)
    assert.equal(both, rankOf({ scope: { Role: ['web'] } }, context))
  })

  test('does not fit when one field does not', () => {
    const scope = { Environment: ['Environments-1'], Machine: ['Machines-2'] }
    assert.deepEqual(valuesOf(variable('A', 'x', scope)), {})
  })

  test('that is limited to something unknown does not fit', () => {
    assert.equal(
      rankOf({ scope: { Machine: ['Machines-1'] } }, { environmentId: 'Environments-1' }),
      undefined,
    )
  })

  test('is found without regard to case, and a tie is reported', () => {
    const chosen = chooseVariables([variable('A', 'first'), variable('a', 'second')], context, vault)
    assert.deepEqual(
      chosen.variables.map(({ value }) => value),
      ['first'],
    )
    assert.deepEqual(chosen.ambiguous, ['A'])
  })

  test('that was typed in for the deployment beats every scope', () => {
    const asked = variable('A', 'default')
    const scoped = variable('A', 'scoped', { Action: ['action-1'] })
    const { variables } = chooseVariables([asked, scoped], context, vault, { [asked.id]: 'typed' })
    assert.deepEqual(variables, [{ name: 'A', value: 'typed', isSensitive: false }])
  })

  test('is opened when it is sensitive, and every secret of the project is known whatever its scope', () => {
    const secret = variable('P', '', {}, { type: 'Sensitive', value: vault.seal('s3cret') })
    const elsewhere = variable(
      'Q',
      '',
      { Environment: ['Environments-9'] },
      { type: 'Sensitive', value: vault.seal('0ther') },
    )
    assert.deepEqual(chooseVariables([secret, elsewhere], context, vault).variables, [
      { name: 'P', value: 's3cret', isSensitive: true },
    ])
    assert.deepEqual(secretsOf([secret, elsewhere], vault), ['s3cret', '0ther'])
  })

  test('does not depend on the order of values of different rank', () => {
    const scopes = fc.shuffledSubarray([
      variable('A', '1'),
      variable('A', '2', { Environment: ['Environments-1'] }),
      variable('A', '3', { Role: ['linux'] }),
      variable('A', '4', { Role: ['web'] }),
      variable('A', '5', { Machine: ['Machines-1'] }),
    ])
    fc.assert(
      fc.property(scopes, candidates => {
        const best = candidates
          .map(({ value }) => String(value))
          .sort()
          .at(-1)
        assert.equal(valuesOf(...candidates).A, best)
      }),
    )
  })
})
