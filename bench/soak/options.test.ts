import assert from 'node:assert/strict'
import { test } from 'node:test'
import { help, parseSoakOptions } from './options.ts'

test('without options a soak takes ten minutes and 1000 polling services', () => {
  assert.deepEqual(parseSoakOptions([]), { minutes: 10, peers: 1000, seed: 1 })
})

test('options are taken in both spellings, and minutes may be fractions', () => {
  const options = parseSoakOptions(['--minutes=0.5', '--peers', '20', '--seed', '0'])
  assert.deepEqual(options, { minutes: 0.5, peers: 20, seed: 0 })
})

test('help is asked for by --help, and names every option', () => {
  assert.equal(parseSoakOptions(['--help']), undefined)
  for (const option of ['--minutes', '--peers', '--seed']) assert.ok(help.includes(option))
})

test('what is no option, or no value of one, is refused by its name', () => {
  for (const args of [
    ['--peers', '1.5'],
    ['--minutes', '0'],
    ['--seed', ''],
    ['--minutes', 'Infinity'],
    ['--hours', '1'],
  ])
    assert.throws(() => parseSoakOptions(args), new RegExp(args[0] ?? ''), args.join(' '))
})
