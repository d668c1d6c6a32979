import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  createCertificate,
  createHalibut,
  defineService,
  host,
  method,
  packList,
  types,
  unpackList,
} from '../src/index.ts'
import { recommendedLimits } from '../src/runtime/limits.ts'

const Line = types.record({
  dotnet: 'Tests.Line, Tests',
  fields: { number: types.int32, text: types.text },
})
type Line = { readonly number: number; readonly text: string }

const Page = types.record({
  dotnet: 'Tests.Page, Tests',
  fields: { before: types.text, lines: types.list(Line), after: types.text, more: types.array(Line) },
})

const Pages = defineService('IPages', {
  plain: method([types.int32], Page),
  packed: method([types.int32], Page),
  bare: method([types.int32], types.list(Line)),
})

function line(number: number): Line {
  return { number, text: `line ${number} of é 🐙 ${'x'.repeat(number % 100)}` }
}

async function* inSteps(values: Iterable<Line>, size = 1000): AsyncGenerator<readonly Line[]> {
  let some: Line[] = []
  for (const value of values) {
    some.push(value)
    if (some.length < size) continue
    yield some
    some = []
  }
  yield some
}

function* lines(count: number): Generator<Line> {
  for (let number = 0; number < count; number++) yield line(number)
}

test('a packed list arrives as the list that it was made of, in a reply and as one', async t => {
  const [own, other] = await Promise.all([
    createCertificate({ commonName: 'service' }),
    createCertificate({ commonName: 'caller' }),
  ])
  const packed = async (count: number) => ({
    before: 'b',
    lines: await packList(Line, inSteps(lines(count))),
    after: 'a',
    more: await packList(Line, inSteps(lines(Math.min(count, 3)), 1)),
  })
  const pageService = host(Pages, {
    plain: async count => ({
      before: 'b',
      lines: [...lines(count)],
      after: 'a',
      more: [...lines(Math.min(count, 3))],
    }),
    packed,
    bare: count => packList(Line, inSteps(lines(count))),
  })
  const service = createHalibut({ certificate: own, trust: [other.thumbprint], services: [pageService] })
  const caller = createHalibut({ certificate: other, trust: [], limits: recommendedLimits })
  t.after(() => Promise.all([service.close(), caller.close()]))
  const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
  const pages = caller.client(Pages, { baseUri: `https://127.0.0.1:${port}/`, thumbprint: own.thumbprint })
  // Small enough for no compression, then above the size at which the tail of a message is sent by itself.
  for (const count of [0, 1, 12, 13, 1000, 100_000]) {
    assert.deepEqual(await pages.packed(count), await pages.plain(count), `${count} lines`)
    assert.deepEqual(await pages.bare(count), [...lines(count)])
  }
})

test('whoever has no network in between can unpack a list; other lists stay as they are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record(
          { number: fc.integer({ min: -5, max: 5 }), text: fc.string({ unit: 'grapheme' }) },
          { noNullPrototype: true },
        ),
      ),
      fc.integer({ min: 1, max: 4 }),
      async (values, size) => {
        assert.deepEqual(unpackList(Line, await packList(Line, inSteps(values, size))), values)
        assert.equal(unpackList(Line, values), values)
      },
    ),
    { numRuns: 50 },
  )
})

test('what is no element, and what its maker throws, is thrown by packing', async () => {
  const wrong: Line = JSON.parse('{"number":1.5,"text":"x"}')
  await assert.rejects(packList(Line, inSteps([wrong])), /int32/)
  await assert.rejects(
    packList(
      Line,
      (async function* () {
        yield [line(1)]
        throw new Error('the disk is gone')
      })(),
    ),
    /the disk is gone/,
  )
  const withStream = types.record({ dotnet: 'Tests.S, Tests', fields: { data: types.dataStream } })
  const { DataStream } = await import('../src/index.ts')
  const streams = (async function* () {
    yield [{ data: DataStream.fromText('x') }]
  })()
  await assert.rejects(packList(withStream, streams), /data streams/)
})

test('a list is packed in little memory, however long it is', async () => {
  const before = process.memoryUsage().rss
  let peak = before
  const watched = (async function* () {
    for await (const some of inSteps(lines(1_000_000))) {
      peak = Math.max(peak, process.memoryUsage().rss)
      yield some
    }
  })()
  await packList(Line, watched)
  assert.ok(
    peak - before < 120 * 1024 * 1024,
    `${Math.round((peak - before) / 1024 / 1024)} MiB more than before`,
  )
})
