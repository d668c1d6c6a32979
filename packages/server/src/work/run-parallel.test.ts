import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runParallel } from './run-parallel.ts'

test('works on as many items at a time as the limit says, in their order', async () => {
  let running = 0
  let most = 0
  const started: number[] = []
  await runParallel([1, 2, 3, 4, 5, 6, 7], 3, async item => {
    started.push(item)
    running += 1
    most = Math.max(most, running)
    await new Promise(resolve => setImmediate(resolve))
    running -= 1
  })
  assert.equal(most, 3)
  assert.deepEqual(started, [1, 2, 3, 4, 5, 6, 7])
})

test('finishes all items, and then throws the first error', async () => {
  const done: number[] = []
  await assert.rejects(
    runParallel([1, 2, 3, 4], 2, async item => {
      await new Promise(resolve => setImmediate(resolve))
      if (item % 2 === 0) throw new Error(`item ${item}`)
      done.push(item)
    }),
    /item 2/,
  )
  assert.deepEqual(done, [1, 3])
})
