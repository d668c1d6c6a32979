import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '@tentacle/testkit'
import fc from 'fast-check'
import { createLog } from '../src/logging/log.ts'
import { formatMetrics } from '../src/metrics/exposition.ts'
import { Counter, gauges, Histogram } from '../src/metrics/instruments.ts'
import { writeMetrics } from '../src/metrics/write-metrics.ts'
import { readMetrics } from './metrics-text.ts'
import { temporaryHome } from './script-agent.ts'

const nasty = fc.string({
  unit: fc.constantFrom('\\', '"', '\n', '\r', '{', '}', ',', '=', ' ', 'n', '#', 'é', '🦑'),
})
const anyText = fc.oneof(nasty, fc.string({ unit: 'grapheme' }))

test('whatever stands in labels and help texts is read as it was', () => {
  const samples = fc.uniqueArray(fc.tuple(anyText, anyText), {
    minLength: 1,
    selector: pair => JSON.stringify(pair),
  })
  fc.assert(
    fc.property(anyText, anyText, samples, (common, help, pairs) => {
      const family = gauges(
        { name: 'a_b', help },
        pairs.map(([one, two], value) => ({ labels: { one, two }, value })),
      )
      const read = readMetrics(formatMetrics([family], { common }))
      assert.equal(read.helps.get('a_b'), help)
      assert.deepEqual(
        read.samples,
        pairs.map(([one, two], value) => ({ name: 'a_b', labels: { common, one, two }, value })),
      )
    }),
  )
})

test('every number is read as it was', () => {
  fc.assert(
    fc.property(fc.double(), value => {
      const text = formatMetrics([gauges({ name: 'n', help: 'N' }, [{ labels: {}, value }])])
      assert.equal(readMetrics(text).value('n'), value === 0 ? value + 0 : value)
    }),
  )
})

test('a histogram counts each value in its bucket and in all above it', () => {
  const values = fc.array(fc.integer({ min: -10, max: 110 }).map(tenths => tenths / 10))
  fc.assert(
    fc.property(values, seen => {
      const histogram = new Histogram<'of'>({ name: 'h', help: 'H' }, [0.5, 1, 10])
      for (const value of seen) histogram.observe({ of: 'x' }, value)
      const read = readMetrics(formatMetrics([histogram.family()]))
      if (seen.length === 0) return assert.deepEqual(read.samples, [])
      for (const bound of [0.5, 1, 10])
        assert.equal(
          read.value('h_bucket', { le: String(bound) }),
          seen.filter(value => value <= bound).length,
        )
      assert.equal(read.value('h_bucket', { le: '+Inf' }), seen.length)
      assert.equal(read.value('h_count', { of: 'x' }), seen.length)
      assert.ok(Math.abs(read.value('h_sum') - seen.reduce((sum, value) => sum + value, 0)) < 1e-6)
    }),
  )
})

test('a counter keeps combinations of labels apart, and shows what has not happened yet', () => {
  const counter = new Counter<'a' | 'b'>({ name: 'c', help: 'C' }, [{ a: 'never', b: '' }])
  for (const [a, b] of [
    ['x', 'y'],
    ['x', 'y'],
    ['x,y', ''],
    ['', 'x,y'],
  ] as const)
    counter.add({ a, b })
  const read = readMetrics(formatMetrics([counter.family()]))
  assert.deepEqual(
    read.samples.map(({ labels, value }) => [labels.a, labels.b, value]),
    [
      ['never', '', 0],
      ['x', 'y', 2],
      ['x,y', '', 1],
      ['', 'x,y', 1],
    ],
  )
})

test('a file is written again and again, for the last time at the end, and a failure is told once', async t => {
  const home = await temporaryHome(t)
  const errors: string[] = []
  const log = createLog([(level, text) => level === 'error' && errors.push(text)], 'info')
  let [asked, isBroken] = [0, false]
  const render = async () => {
    asked++
    if (isBroken) throw new Error('out of ink')
    return `${asked}\n`
  }
  const path = join(home, 'agent.prom')
  const file = writeMetrics(path, render, log, 5)
  await until('it is written twice', async () => Number(await readFile(path, 'utf8').catch(() => 0)) > 1)
  isBroken = true
  const failedFrom = asked
  await until('it fails several times', () => asked > failedFrom + 3)
  isBroken = false
  await file.close()
  assert.equal(await readFile(path, 'utf8'), `${asked}\n`)
  assert.equal(errors.length, 1)
  assert.match(errors[0] ?? '', /out of ink.*--metricsFile=PATH/)
})
