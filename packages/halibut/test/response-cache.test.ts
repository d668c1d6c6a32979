import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ResponseCache } from '../src/client/response-cache.ts'
import {
  DataStream,
  defineService,
  type HalibutError,
  type HalibutOptions,
  host,
  method,
  types,
} from '../src/index.ts'
import { certificateFor, failure, type Mode, runtime } from './runtimes.ts'

const moments = { cacheSeconds: 60 }
const ClockService = defineService('IClockService', {
  tick: method([types.text, types.list(types.guid), types.dateTime], types.int32, moments),
  tickUncached: method([types.text], types.int32),
  fail: method([], types.int32, moments),
  stream: method([], types.dataStream, moments),
  take: method([types.dataStream], types.int32, moments),
})

async function clock(t: TestContext, mode: Mode, options: Partial<HalibutOptions> = {}) {
  let ticks = 0
  const trust = [(await certificateFor('client')).thumbprint, (await certificateFor('service')).thumbprint]
  const tick = () => ++ticks
  const implementation = {
    tick,
    tickUncached: tick,
    fail: () => {
      throw new Error(`failure ${tick()}`)
    },
    stream: () => DataStream.fromText(`stream ${tick()}`),
    take: tick,
  }
  const started: string[] = []
  const observer = { callStarted: (call: { method: string }) => void started.push(call.method) }
  const client = await runtime(t, 'client', { trust, observer, ...options })
  const service = await runtime(t, 'service', { trust, services: [host(ClockService, implementation)] })
  const listener = await (mode === 'listening' ? service : client).listen({ port: 0, host: '127.0.0.1' })
  const address = `https://127.0.0.1:${listener.port}`
  for (const name of ['one', 'two'])
    if (mode === 'polling')
      service.poll({
        subscription: `poll://${name}/`,
        server: { baseUri: address, thumbprint: client.certificate.thumbprint },
      })
  const thumbprint = service.certificate.thumbprint
  const at = (name: 'one' | 'two') =>
    client.client(ClockService, {
      baseUri:
        mode === 'polling'
          ? `poll://${name}/`
          : address.replace('127.0.0.1', name === 'one' ? '127.0.0.1' : 'localhost'),
      thumbprint,
    })
  return { at, started }
}

const guids = ['00112233-4455-6677-8899-aabbccddeeff']
const date = new Date('2026-01-02T03:04:05.006Z')

for (const mode of ['listening', 'polling'] as const) {
  test(`halibut 13.63: ${mode}: a cached method is called once for each endpoint and each set of arguments`, async t => {
    const { at, started } = await clock(t, mode)
    const one = at('one')
    assert.equal(await one.tick('a', guids, date), 1)
    assert.equal(await one.tick('a', guids, date), 1)
    assert.equal(await at('one').tick('a', [...guids], new Date(date)), 1)
    assert.equal(await one.tick('b', guids, date), 2)
    assert.equal(await one.tick('a', [], date), 3)
    assert.equal(await one.tick('a', guids, new Date(date.getTime() + 1)), 4)
    assert.equal(await at('two').tick('a', guids, date), 5)
    assert.equal(await one.tick('a', guids, date), 1)
    assert.equal(started.length, 5, 'a hit sends nothing and is no call')
    assert.equal(await one.tickUncached('a'), 6)
    assert.equal(await one.tickUncached('a'), 7)
  })

  test(`halibut 13.63: ${mode}: errors and streams are not cached, and calls with a stream cannot be`, async t => {
    const { at } = await clock(t, mode)
    assert.match((await failure(at('one').fail(), 'ERR_SERVICE_INVOCATION')).message, /failure 1/)
    assert.match((await failure(at('one').fail(), 'ERR_SERVICE_INVOCATION')).message, /failure 2/)
    assert.equal((await (await at('one').stream()).bytes()).toString(), 'stream 3')
    assert.equal((await (await at('one').stream()).bytes()).toString(), 'stream 4')
    await assert.rejects(at('one').take(DataStream.fromText('x')), TypeError)
  })
}

test('halibut 13.63: errors are cached where the owner of the runtime says so', async t => {
  const asked: HalibutError[] = []
  const { at } = await clock(t, 'listening', {
    cacheError: error => {
      asked.push(error)
      return error.code === 'ERR_SERVICE_INVOCATION'
    },
  })
  assert.match((await failure(at('one').fail(), 'ERR_SERVICE_INVOCATION')).message, /failure 1/)
  assert.match((await failure(at('one').fail(), 'ERR_SERVICE_INVOCATION')).message, /failure 1/)
  assert.equal(asked.length, 1)
})

test('halibut 13.63: what was kept expires after its time, and no more than 10,000 results are kept', () => {
  let now = 0
  const cache = new ResponseCache(undefined, () => now)
  const result = (value: unknown) => ({ kind: 'result', value }) as const
  cache.set('key', result(1), 2)
  now = 1999
  assert.deepEqual(cache.get('key'), result(1))
  now = 2000
  assert.equal(cache.get('key'), undefined)
  for (let i = 0; i <= 10_000; i++) cache.set(String(i), result(i), 1)
  assert.equal(cache.get('0'), undefined)
  assert.deepEqual(cache.get('1'), result(1))
  cache.set('nested', result({ deep: [new Map([['x', DataStream.fromText('x')]])] }), 1)
  assert.equal(cache.get('nested'), undefined)
})
