import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile, rounded } from './measurements.ts'
import { ownUsage, usageOf } from './process-usage.ts'

test('a percentile is a value that was measured, and that share of them does not exceed it', () => {
  const values = Float64Array.from({ length: 100 }, (_, index) => index + 1)
  assert.equal(percentile(values, 50), 50)
  assert.equal(percentile(values, 95), 95)
  assert.equal(percentile(values, 100), 100)
  assert.equal(percentile(Float64Array.of(7), 95), 7)
  assert.ok(Number.isNaN(percentile(new Float64Array(), 50)))
})

test('figures are rounded to thousandths', () => {
  assert.equal(rounded(1.23456), 1.235)
})

test('what a process used is known for this one, and on Linux for others', {
  skip: process.platform !== 'linux',
}, () => {
  const own = ownUsage()
  const other = usageOf(process.pid)
  assert.ok((own.cpuSeconds ?? 0) > 0 && (own.peakRssMib ?? 0) > 10)
  assert.ok(Math.abs((own.peakRssMib ?? 0) - (other.peakRssMib ?? 0)) < 30)
  assert.ok(Math.abs((own.cpuSeconds ?? 0) - (other.cpuSeconds ?? 0)) < 1)
})

test('a process that does not exist has used nothing that is known', () => {
  assert.deepEqual(usageOf(2 ** 30), { cpuSeconds: null, peakRssMib: null })
  assert.deepEqual(usageOf(undefined), { cpuSeconds: null, peakRssMib: null })
})
