import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from './option-set.ts'

const specs = [
  { name: 'package', help: '' },
  { name: 'variables', help: '', isRepeatable: true },
]

for (const args of [
  ['--package', '/a b/x.zip'],
  ['--package=/a b/x.zip'],
  ['--package:/a b/x.zip'],
  ['-PACKAGE', '/a b/x.zip'],
  ['/Package', '/a b/x.zip'],
  ['--package', 'first', '--package', '/a b/x.zip'],
]) {
  test(`${args.join(' ')} names the package`, () =>
    assert.equal(parseOptions(args, specs).get('package'), '/a b/x.zip'))
}

test('options may repeat, values may look like options, and what is unknown is left over', () => {
  const options = parseOptions(
    ['a', '--variables=1', '--unknown', 'x', '-variables:2=3', '/etc/passwd', '--package', '--odd'],
    specs,
  )
  assert.deepEqual(options.all('variables'), ['1', '2=3'])
  assert.equal(options.get('package'), '--odd')
  assert.deepEqual(options.rest, ['a', '--unknown', 'x', '/etc/passwd'])
})

test('an empty value is a value, a missing one is an error', () => {
  assert.equal(parseOptions(['--package='], specs).get('package'), '')
  assert.throws(() => parseOptions(['--package'], specs), { code: 'ERR_USAGE' })
})
