import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger, type Outcome } from './ledger.ts'

/** A ledger with one call that ended in a way and ran so often. */
function oneCall(outcome: Outcome | undefined, runs: number): Ledger {
  const ledger = new Ledger()
  const id = ledger.start(1000)
  if (outcome) ledger.finish(id, outcome)
  for (let n = 0; n < runs; n++) ledger.ran([id])
  return ledger
}

const verdicts: readonly (readonly [
  outcome: Outcome | undefined,
  runs: number,
  violation: RegExp | undefined,
])[] = [
  ['answered', 1, undefined],
  ['answered', 0, /call 0 answered, but no service says that it ran/],
  ['answered', 2, /call 0 answered, and ran 2 times/],
  ['failed', 0, undefined],
  ['failed', 1, undefined],
  ['failed', 2, /ran 2 times/],
  ['never sent', 0, undefined],
  ['never sent', 1, /never sent, but it ran/],
  [undefined, 0, /never ended/],
]

for (const [outcome, runs, violation] of verdicts) {
  test(`a call that ${outcome ?? 'never ended'} and ran ${runs} times is ${violation ? 'a violation' : 'in order'}`, () => {
    const { violations } = oneCall(outcome, runs).judge()
    assert.equal(violations.length, violation ? 1 : 0)
    if (violation) assert.match(violations[0] ?? '', violation)
  })
}

test('the books hold more calls than they began with', () => {
  const ledger = new Ledger()
  const calls = 1024 * 1024 + 5
  for (let n = 0; n < calls; n++) {
    const id = ledger.start(1000)
    ledger.ran([id])
    ledger.finish(id, n % 2 === 0 ? 'answered' : 'failed')
  }
  const verdict = ledger.judge()
  assert.deepEqual(verdict.violations, [])
  assert.deepEqual([verdict.calls, verdict.answered, verdict.failedAfterRunning], [calls, 524_291, 524_290])
})

test('a call is overdue when its time is over and it has not ended', () => {
  const ledger = new Ledger()
  const slow = ledger.start(1000)
  ledger.start(5000)
  const ended = ledger.start(1000)
  ledger.finish(ended, 'failed')
  assert.deepEqual(ledger.overdue(performance.now()), [])
  assert.deepEqual(ledger.overdue(performance.now() + 2000), [slow])
  assert.equal(ledger.outstanding, 2)
})
