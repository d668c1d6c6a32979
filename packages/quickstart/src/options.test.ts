import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions, QuickstartError } from './options.ts'

test('without options the defaults of the README apply', () => {
  assert.deepEqual(parseOptions([], '/somewhere'), {
    home: '/somewhere',
    port: 8080,
    commsPort: 10_943,
    agentPort: 10_933,
    help: false,
  })
})

test('options are taken with = or a blank', () => {
  const options = parseOptions(['--port=9000', '--comms-port', '9001', '--home', 'there'], 'x')
  assert.equal(options.port, 9000)
  assert.equal(options.commsPort, 9001)
  assert.equal(options.home, 'there')
})

for (const bad of [
  ['--port=abc'],
  ['--port=0'],
  ['--port=70000'],
  ['--comms-port=1.5'],
  ['--nonsense'],
  ['left over'],
]) {
  test(`${bad.join(' ')} is refused with a sentence`, () => {
    assert.throws(() => parseOptions(bad, 'x'), QuickstartError)
  })
}
