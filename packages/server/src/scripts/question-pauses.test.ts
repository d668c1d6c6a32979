import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QuestionPauses } from './question-pauses.ts'

test('tentacle 12.61: the pauses between questions grow up to a second, and begin anew with news', () => {
  const pauses = new QuestionPauses()
  const silent = Array.from({ length: 9 }, () => pauses.next())
  assert.equal(silent[0], 100)
  for (const [index, ms] of silent.entries())
    assert.ok(index === 0 || ms === 1_000 || ms > (silent[index - 1] ?? 0), String(silent))
  assert.equal(silent.at(-1), 1_000)
  pauses.restart()
  assert.deepEqual([pauses.next(), pauses.next()], [100, 150])
})
