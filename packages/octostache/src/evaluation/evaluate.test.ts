import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecursiveDefinitionError, TemplateError } from '../errors.ts'
import { Variables } from '../variables/variables.ts'
import { evaluate, isTruthy } from './evaluate.ts'

const text = (template: string, variables: Record<string, string | null> = {}) =>
  evaluate(template, new Variables(Object.entries(variables))).text

test('a circle of definitions names the variables in it', () => {
  const variables = new Variables([
    ['A', '#{B}'],
    ['B', '#{A}'],
  ])
  assert.throws(
    () => evaluate('#{A}', variables),
    error => error instanceof RecursiveDefinitionError && /A -> B -> A/.test(error.message),
  )
})

test('a JSON document that asks for its own members is a circle', () => {
  assert.throws(() => text('#{A.b}', { A: '{"b":"#{A.b}"}' }), RecursiveDefinitionError)
})

test('variables that multiply each other are given up instead of filling the memory', () => {
  const doubling = Object.fromEntries(
    Array.from({ length: 60 }, (_, level) => [
      `V${level}`,
      level === 59 ? 'xxxxxxxxxx' : `#{V${level + 1}}#{V${level + 1}}`,
    ]),
  )
  assert.throws(() => text('#{V0}', doubling), isLimit)
  assert.throws(() => text('#{V0}', { ...doubling, V59: '' }), isLimit)
})

test('a chain of hundreds of variables is given up before the stack is', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 5000 }, (_, level) => [`V${level}`, `<#{V${level + 1}}>`]),
  )
  assert.throws(() => text('#{V0}', chain), isLimit)
  assert.throws(() => text(`#{x${' | Trim'.repeat(5000)}}`, { x: 'v' }), isLimit)
  assert.throws(() => text(`#{calc 1${'+1'.repeat(5000)}}`), isLimit)
})

test('a hundred variables that lead to each other are no problem', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 100 }, (_, level) => [`V${level}`, level === 99 ? 'end' : `#{V${level + 1}}`]),
  )
  assert.equal(text('#{V0}', chain), 'end')
})

test('a filter with a missing option leaves its whole token in place', () => {
  const { text: result, missing } = evaluate('#{x | Append #{gone}}', new Variables([['x', 'v']]))
  assert.equal(result, '#{x | Append #{gone}}')
  assert.ok(missing.includes('#{x | Append #{gone}}'))
})

test('filters can be added under their own names', () => {
  const variables = new Variables([['x', 'abc']])
  const reverse = (input: string | undefined) => input && [...input].reverse().join('')
  assert.equal(evaluate('#{x | Reverse}', variables, { filters: { reverse } }).text, 'cba')
  assert.equal(evaluate('#{x | ToUpper}', variables, { filters: { toupper: reverse } }).text, 'ABC')
})

test('the error of missing tokens names them and says what to look at', () => {
  const { error } = evaluate('#{Nope}', new Variables())
  assert.equal(error?.kind, 'missing')
  assert.match(error?.message ?? '', /'#\{Nope\}'.*spelled right/)
})

test('text that came out of a document or a list is not evaluated a second time', () => {
  assert.equal(text('#{each x in L}#{x};#{/each}', { L: 'a,##{B}', B: 'no' }), 'a;#{B};')
  assert.equal(text('#{J.a}', { J: '{"a":"##{B}"}', B: 'no' }), '#{B}')
})

test('a long whole number in a document keeps all of its digits', () => {
  assert.equal(
    text('#{J.n} #{J.o}', { J: '{"n":12345678901234567890,"o":{"p":12345678901234567891}}' }),
    '12345678901234567890 {"p":12345678901234567891}',
  )
})

test('a document that is nested without end is plain text', () => {
  assert.equal(text('#{J.a}', { J: '['.repeat(100_000) }), '#{J.a}')
})

test('names of object members that every object has are no members', () => {
  assert.equal(text('[#{J.constructor}#{J.__proto__}]', { J: '{"a":1}' }), '[]')
  assert.equal(text('#{x | constructor}', { x: 'v' }), '#{x | constructor}')
})

test('setting a variable again changes what templates see', () => {
  const variables = new Variables([['A', '1']])
  assert.equal(evaluate('#{a}', variables).text, '1')
  variables.set('a', '2')
  assert.equal(evaluate('#{A}', variables).text, '2')
  variables.delete('A')
  assert.equal(evaluate('#{A}', variables).text, '#{A}')
  assert.deepEqual(variables.names(), [])
})

test('a calculation takes names in parentheses', () => {
  assert.equal(text('#{calc (A+B)*2}', { A: '1', B: '2' }), '6')
  assert.equal(text('#{calc 1000000*1000000*1000}'), '1E+15')
})

test('a condition with a missing token does not hold', () => {
  assert.equal(isTruthy('#{Gone}', new Variables()), false)
  assert.equal(isTruthy('#{ | null}', new Variables()), false)
})

function isLimit(error: unknown): boolean {
  return error instanceof TemplateError && error.code === 'ERR_TEMPLATE_LIMIT'
}
