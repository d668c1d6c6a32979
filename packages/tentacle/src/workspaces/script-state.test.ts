import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatState, parseState, readState, type ScriptState, writeState } from './script-state.ts'
import { formatTimestamp } from './timestamp.ts'

const state: ScriptState = {
  created: new Date('2026-11-24T01:03:54.700Z'),
  started: null,
  completed: null,
  state: 'Pending',
  exitCode: null,
  ranToCompletion: null,
}

test('writes the state as the original does', () => {
  assert.equal(
    formatState(state),
    '{"Created":"2026-11-24T01:03:54.7+00:00","Started":null,"Completed":null,"State":0,"ExitCode":null,"RanToCompletion":null}',
  )
})

test('cuts zeros of a fraction, and only those', () => {
  assert.equal(formatTimestamp(new Date('2026-11-20T10:00:10.000Z')), '2026-11-20T10:00:10+00:00')
  assert.equal(formatTimestamp(new Date('2026-11-20T10:00:10.050Z')), '2026-11-20T10:00:10.05+00:00')
})

test('reads the state that the original has written, and nothing else', () => {
  const text =
    '{"Created":"2026-11-24T01:03:54.7295502+00:00","Started":"2026-11-24T01:03:54.7802776+00:00","Completed":"2026-11-24T01:03:54.7974279+00:00","State":2,"ExitCode":-44,"RanToCompletion":true}'
  for (const form of [text, `\uFEFF${text}`]) {
    assert.deepEqual(parseState(form), {
      created: new Date('2026-11-24T01:03:54.729Z'),
      started: new Date('2026-11-24T01:03:54.780Z'),
      completed: new Date('2026-11-24T01:03:54.797Z'),
      state: 'Complete',
      exitCode: -44,
      ranToCompletion: true,
    })
  }
  for (const broken of [
    '',
    '{',
    'null',
    '[]',
    '{"State":2}',
    '{"Created":"2026-11-24T01:03:54+00:00","State":9}',
  ]) {
    assert.equal(parseState(broken), undefined)
  }
})

test('tentacle 12.48: a reader never finds a part of the state', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-state-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  writeState(folder, folder, state)
  for (let round = 0; round < 100; round++) {
    const reading = readState(folder) // in another thread, while this one goes on writing
    for (let exitCode = 0; exitCode < 5; exitCode++) writeState(folder, folder, { ...state, exitCode })
    assert.ok(await reading)
  }
})
