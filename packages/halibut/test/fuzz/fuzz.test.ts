import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HalibutError } from '../../src/errors.ts'
import { type FuzzReport, fuzz } from './engine.ts'
import { type FuzzTarget, refusing } from './target.ts'
import { fuzzTargets } from './targets.ts'
import { watchFuzz } from './watch.ts'

/** The same inputs in every run; `npm run fuzz -- --seed N` tries others, and many more. */
const seed = 20_260_101

test('every reader accepts or refuses seeds, inputs that once broke it, and changes of them', async t => {
  const targets = fuzzTargets.map(({ name }) => name)
  const describe = ({ target, inputs, accepted, refused, slowestMs }: FuzzReport) =>
    t.diagnostic(
      `${target}: ${inputs} inputs, ${accepted} accepted, ${refused} refused, slowest ${slowestMs} ms`,
    )
  const task = { targets, seed, isTest: true, isGuided: false, milliseconds: Number.MAX_SAFE_INTEGER }
  const reports = await watchFuzz(task, describe)
  const failed = reports.find(({ failure }) => failure)
  assert.equal(
    failed?.failure?.problem,
    undefined,
    `${failed?.target} fails with these bytes (base64): ${Buffer.from(failed?.failure?.input ?? []).toString('base64')}`,
  )
  assert.deepEqual(
    reports.map(({ target }) => target),
    targets,
    'every target has run',
  )
  for (const { target, accepted, refused } of reports)
    assert.ok(accepted > 0 && refused > 0, `${target} accepts some inputs and refuses others`)
})

test('a reader that fails in another way than it may is found, and its input is made small', async () => {
  const broken: FuzzTarget = {
    name: 'broken',
    about: '',
    testInputs: 0,
    maximumBytes: 1000,
    seeds: () => [Buffer.alloc(200, 'a')],
    mutators: [],
    run: input =>
      refusing(['ERR_PROTOCOL'], () => {
        if (input.includes(0xff)) throw new TypeError('What is this?')
        if (!input.includes(0x61)) throw new HalibutError('ERR_PROTOCOL', 'There is nothing.')
      }),
  }
  const options = {
    seed,
    files: [],
    deadline: Number.MAX_SAFE_INTEGER,
    coverage: undefined,
    onInput: () => {},
  }
  const report = await fuzz(broken, { ...options, maximumInputs: 10_000 })
  assert.match(report.failure?.problem ?? '', /^TypeError: What is this\?/)
  assert.deepEqual([...(report.failure?.input ?? [])], [0xff])
})
