import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DataStream } from '@tentacle/halibut'
import { isPattern, patternBytes, patternStream } from './pattern.ts'

async function gathered(length: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of patternBytes(length)) parts.push(part)
  return Buffer.concat(parts)
}

test('the pattern has the length that was asked for and goes on over the pieces', async () => {
  for (const length of [0, 1, 250, 251, 252, 257_023, 257_024, 257_025, 600_000]) {
    const bytes = await gathered(length)
    assert.equal(bytes.length, length)
    assert.ok(bytes.every((byte, index) => byte === index % 251))
  }
})

test('the pattern is known again whatever the pieces are, and one wrong byte is noticed', async () => {
  assert.ok(await isPattern(patternStream(600_000)))
  assert.ok(await isPattern(patternStream(0)))
  const bytes = await gathered(600_000)
  const inPieces = (size: number) =>
    DataStream.from(bytes.length, async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })
  for (const size of [97, 65_536, 257_024, 400_000]) assert.ok(await isPattern(inPieces(size)))
  for (const at of [0, 257_024, 599_999]) {
    const wrong = Buffer.from(bytes)
    wrong.writeUInt8((wrong.readUInt8(at) + 1) % 256, at)
    assert.ok(!(await isPattern(DataStream.fromBytes(wrong))), `a wrong byte at ${at}`)
  }
})

test('a stream that lost a piece is not the pattern', async () => {
  const bytes = await gathered(600_000)
  const holed = Buffer.concat([bytes.subarray(0, 300_000), bytes.subarray(365_536)])
  assert.ok(!(await isPattern(DataStream.fromBytes(holed))))
})
