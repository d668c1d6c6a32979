import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type TSchema, Type } from 'typebox'
import { isServerError } from '../errors.ts'
import { Maybe, QueryCount, QueryFlag, QueryList, QueryText, Words } from './schema.ts'
import { validatorCompiler } from './validation.ts'

function read(schema: TSchema, value: unknown, httpPart = 'body'): unknown {
  const validate = validatorCompiler({ schema, method: 'POST', url: '/', httpPart })
  const result = validate(value)
  assert.ok(typeof result === 'object' && result !== null)
  if ('error' in result && result.error !== undefined) throw result.error
  return 'value' in result ? result.value : undefined
}

function problems(schema: TSchema, value: unknown, httpPart = 'body'): readonly string[] {
  try {
    read(schema, value, httpPart)
  } catch (error) {
    if (isServerError(error, 'ERR_INVALID_INPUT')) return error.problems
    throw error
  }
  return []
}

const Step = Type.Object({ Name: Type.String(), Condition: Maybe(Words(['Success', 'Always'])) })
const Body = Type.Object({
  ProjectName: Type.String({ minLength: 1 }),
  Steps: Maybe(Type.Array(Step)),
  Properties: Maybe(Type.Record(Type.String(), Type.Unknown())),
})

test('members are found in any case, unknown ones are left out', () => {
  const value = { projectName: 'Shop', STEPS: [{ name: 'a', other: 1 }], spaceIdOrName: 'Default' }
  assert.deepEqual(read(Body, value), { ProjectName: 'Shop', Steps: [{ Name: 'a' }] })
})

test('keys of records are data and keep their case', () => {
  const Properties = {
    'Octopus.Action.Script.ScriptBody': 'echo',
    'octopus.x': { IsSensitive: true, value: 1 },
  }
  assert.deepEqual(read(Body, { ProjectName: 'Shop', properties: Properties }), {
    ProjectName: 'Shop',
    Properties,
  })
})

test('problems name the field and what is wanted', () => {
  assert.deepEqual(problems(Body, {}), ['ProjectName is required.'])
  assert.deepEqual(problems(Body, { ProjectName: '' }), ['ProjectName must not be empty.'])
  const wrong = { ProjectName: 'x', Steps: [{ Name: 'a', Condition: 'Sometimes' }, {}] }
  assert.deepEqual(problems(Body, wrong), [
    'Steps[0].Condition must be one of: Success, Always.',
    'Steps[1].Name is required.',
  ])
  for (const value of [undefined, null, 7, 'text', []]) assert.equal(problems(Body, value).length, 1)
})

test('query texts become what the schema says', () => {
  const Query = Type.Object({ skip: QueryCount, active: QueryFlag, ids: QueryList, name: QueryText })
  const value = { Skip: '5', active: 'True', ids: ['a,b', 'c'], name: ' x ', unknown: '1' }
  assert.deepEqual(read(Query, value, 'querystring'), {
    skip: 5,
    active: true,
    ids: ['a', 'b', 'c'],
    name: ' x ',
  })
  assert.deepEqual(read(Query, { name: '', skip: '' }, 'querystring'), {})
  assert.deepEqual(read(Query, { take: '2147483647', skip: '0' }, 'querystring'), { skip: 0 })
  for (const skip of ['-1', 'x', '1.5', '1e3', '99999999999999999999']) {
    assert.equal(problems(Query, { skip }, 'querystring').length, 1, skip)
  }
  assert.equal(problems(Query, { active: 'perhaps' }, 'querystring').length, 1)
})

test('whatever JSON comes is read or refused with a reason', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const found = problems(Body, value)
      assert.ok(found.every(problem => problem.endsWith('.')))
    }),
  )
})
