import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeMemory, type MemorySample } from './memory.ts'

const mib = 1024 * 1024

/** Samples every 5 s of a heap that behaves like this, in MiB. */
function samples(count: number, heapMib: (second: number) => number): MemorySample[] {
  return Array.from({ length: count }, (_, n) => ({
    second: n * 5,
    heapBytes: heapMib(n * 5) * mib,
    rssBytes: 0,
  }))
}

test('a heap that fills its caches and then wavers is flat', () => {
  const { isFlat, isJudged, floorBytes } = judgeMemory(
    samples(40, second => Math.min(second, 60) + 20 + (second % 3) * 10),
  )
  assert.deepEqual({ isFlat, isJudged, floorBytes }, { isFlat: true, isJudged: true, floorBytes: 80 * mib })
})

test('a heap that grows all the time is not flat, however much it wavers', () => {
  const { isFlat, growthBytes } = judgeMemory(samples(40, second => 30 + second * 0.1 + (second % 3) * 10))
  assert.equal(isFlat, false)
  // 0.1 MiB a second, over half of 200 s.
  assert.ok(Math.abs(growthBytes - 10 * mib) <= mib, `${growthBytes}`)
})

test('of a large heap a tenth is allowed, of a small one 4 MiB', () => {
  assert.equal(judgeMemory(samples(40, second => 300 + second * 0.1)).isFlat, true)
  assert.equal(judgeMemory(samples(40, second => 10 + second * 0.03)).isFlat, true)
  assert.equal(judgeMemory(samples(40, second => 10 + second * 0.05)).isFlat, false)
})

test('too few samples are not judged', () => {
  const { isFlat, isJudged } = judgeMemory(samples(10, second => second * 100))
  assert.deepEqual({ isFlat, isJudged }, { isFlat: true, isJudged: false })
})
