import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseInstant, parseTimeSpan, wireInstant, wireTimeSpan } from './wire-time.ts'

test('time spans are read as C# writes them', () => {
  assert.equal(parseTimeSpan('00:05:00'), 300_000)
  assert.equal(parseTimeSpan('1.00:00:00'), 86_400_000)
  assert.equal(parseTimeSpan('00:00:00.5000000'), 500)
  assert.equal(parseTimeSpan('-00:00:01'), -1000)
  for (const text of ['', '5', '25:00:00', '00:60:00', '00:00:00.12345678', 'soon']) {
    assert.equal(parseTimeSpan(text), undefined, text)
  }
})

test('time spans that are written are read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), ms =>
      assert.equal(parseTimeSpan(wireTimeSpan(ms)), ms),
    ),
  )
})

test('moments are written with an offset, and "not set" is nothing', () => {
  assert.equal(wireInstant('2026-11-23T10:00:00.000Z'), '2026-11-23T10:00:00.000+00:00')
  assert.equal(parseInstant('2026-11-23T12:00:00+02:00', 'RunAt'), '2026-11-23T10:00:00.000Z')
  for (const text of [null, undefined, '', '0001-01-01T00:00:00.000+00:00'])
    assert.equal(parseInstant(text, 'x'), null)
  assert.throws(() => parseInstant('tomorrow', 'RunAt'), /RunAt is 'tomorrow'/)
})
