import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, formatNumber } from './count.ts'
import { formatDuration } from './duration.ts'
import { formatAge, formatDate, formatMoment } from './moment.ts'
import { formatSize } from './size.ts'
import { activityLook, healthLook, healthNames, taskLook, taskStateNames } from './states.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

test('durations name the two largest units that matter', () => {
  const cases: [number, string][] = [
    [-5, '0.0 s'],
    [0, '0.0 s'],
    [449, '0.4 s'],
    [9_999, '9.9 s'],
    [10 * second, '10 s'],
    [59_999, '59 s'],
    [minute, '1 min 00 s'],
    [64 * second, '1 min 04 s'],
    [hour - 1, '59 min 59 s'],
    [hour + 7 * minute, '1 h 07 min'],
    [day - 1, '23 h 59 min'],
    [3 * day + 5 * hour, '3 d 5 h'],
  ]
  for (const [span, expected] of cases) assert.equal(formatDuration(span), expected)
})

test('ages say how long ago something was, and old or future things by their date', () => {
  const now = new Date(2026, 10, 23, 12, 0, 0).getTime()
  const cases: [number, string][] = [
    [0, 'just now'],
    [9 * second, 'just now'],
    [10 * second, '10 s ago'],
    [minute - 1, '59 s ago'],
    [minute, '1 min ago'],
    [hour - 1, '59 min ago'],
    [hour, '1 h ago'],
    [day, '1 d ago'],
    [14 * day - 1, '13 d ago'],
    [14 * day, '2026-11-09'],
    [-30 * second, 'just now'],
    [-2 * day, '2026-11-25'],
  ]
  for (const [span, expected] of cases) assert.equal(formatAge(now - span, now), expected)
})

test('moments are local and have every part with two digits', () => {
  const moment = new Date(2026, 0, 2, 3, 4, 5).getTime()
  assert.equal(formatDate(moment), '2026-01-02')
  assert.equal(formatMoment(moment), '2026-01-02 03:04:05')
})

test('sizes have at most three digits before the unit', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [4_812_311, '4.6 MiB'],
    [200 * 1024 * 1024, '200 MiB'],
    [5_000_000_000_000_000, '4547 TiB'],
  ]
  for (const [bytes, expected] of cases) assert.equal(formatSize(bytes), expected)
})

test('counts are singular for one and grouped when they are long', () => {
  assert.equal(count(1, 'target'), '1 target')
  assert.equal(count(0, 'target'), '0 targets')
  assert.equal(count(2, 'entry', 'entries'), '2 entries')
  assert.equal(formatNumber(1_234_567), '1\u202f234\u202f567')
  assert.equal(formatNumber(999), '999')
})

test('no two states of one kind look alike when colours are taken away', () => {
  const kinds = [
    [...taskStateNames.map(name => taskLook(name)), taskLook('Success', true)],
    [...healthNames.map(name => healthLook(name)), healthLook('Healthy', true)],
    ['Pending', 'Running', 'Success', 'SuccessWithWarning', 'Failed', 'Skipped', 'Canceled'].map(
      activityLook,
    ),
  ]
  for (const looks of kinds) {
    assert.equal(new Set(looks.map(({ label }) => label)).size, looks.length)
  }
})

test('a state of a newer server is shown by its own name', () => {
  assert.equal(taskLook('Paused').label, 'Paused')
  assert.equal(healthLook('Sleepy').label, 'Sleepy')
  assert.equal(activityLook('Dreaming').label, 'Dreaming')
})
