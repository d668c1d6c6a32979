import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { DataStream, defineService, method, types } from '../src/index.ts'
import { failure, type Mode, pair, TestService } from './runtimes.ts'

const modes: readonly Mode[] = ['listening', 'polling']

for (const mode of modes) {
  test(`${mode}: calls go over and answers come back, one after another and at once`, async t => {
    const { call } = await pair(t, mode, { connections: 3 })
    for (let i = 0; i < 20; i++) assert.equal(await call.sayHello(`n${i}`), `n${i}...`)
    const answers = await Promise.all(Array.from({ length: 32 }, (_, i) => call.sayHello(`p${i}`)))
    assert.deepEqual(
      answers,
      Array.from({ length: 32 }, (_, i) => `p${i}...`),
    )
    assert.equal(await call.doNothing(), undefined)
    assert.deepEqual(await call.move({ latitude: -27, name: null }), { latitude: 27, name: null })
  })

  test(`halibut 13.57: ${mode}: data streams of every size, alone and together, are delivered whole`, async t => {
    const { call } = await pair(t, mode)
    for (const size of [0, 1, 65_536, 300_000, 1024 * 1024 + 15, 16 * 1024 * 1024]) {
      assert.equal(await call.countBytes(DataStream.fromBytes(Buffer.alloc(size, 1))), size)
    }
    const streams = Array.from({ length: 128 }, (_, i) => DataStream.fromBytes(Buffer.alloc(i * 100, i)))
    assert.equal(await call.countAll({ label: 'many', streams }), 812_800)
    const made = await call.makeStream(500_000)
    assert.equal((await made.bytes()).toString(), 'x'.repeat(500_000))
    const content = randomBytes(700_000)
    const echoed = await call.echoStream(
      DataStream.from(content.length, async function* () {
        yield content.subarray(0, 10)
        yield content.subarray(10)
      }),
    )
    assert.deepEqual(await echoed.bytes(), content)
  })

  test(`halibut 13.57: ${mode}: 128 streams in each of 32 parallel calls are delivered whole`, async t => {
    // 16,000 records of a few bytes each: a busy machine needs its time.
    const limits = { pollingRequestQueueTimeoutMs: 120_000, tcpClientReceiveResponseTimeoutMs: 120_000 }
    const { call } = await pair(t, mode, { connections: 4, client: { limits } })
    const sums = await Promise.all(
      Array.from({ length: 32 }, (_, n) => {
        const streams = Array.from({ length: 128 }, (_, i) => DataStream.fromBytes(Buffer.alloc(n + i, i)))
        return call.countAll({ label: `${n}`, streams })
      }),
    )
    assert.deepEqual(
      sums,
      Array.from({ length: 32 }, (_, n) => 128 * n + (127 * 128) / 2),
    )
  })

  test(`halibut 13.59: ${mode}: an error in a method reaches the caller with its text, and the connection stays good`, async t => {
    const { call, client } = await pair(t, mode)
    const error = await failure(call.crash(), 'ERR_SERVICE_INVOCATION')
    assert.equal(error.details.remoteMessage, 'Attempted to divide by zero.')
    assert.match(
      error.details.remoteDetails ?? '',
      /^System\.Reflection\.TargetInvocationException: Exception has been thrown by the target of an invocation\.\n ---> RangeError: Attempted to divide by zero\./,
    )
    assert.equal(error.details.remoteType, undefined)
    assert.equal(await call.sayHello('after'), 'after...')
    assert.ok(client)
  })

  test(`halibut 13.60: ${mode}: unknown services, methods and overloads have errors of their own`, async t => {
    const { call, client, endpoint } = await pair(t, mode)
    const nowhere = client.client(
      defineService('INowhere', { go: method([types.dataStream], 'void') }),
      endpoint,
    )
    const noService = await failure(
      nowhere.go(DataStream.fromText('still consumed')),
      'ERR_SERVICE_NOT_FOUND',
    )
    assert.equal(noService.details.remoteMessage, 'Service not found: INowhere')
    const other = defineService('itestservice', {
      missing: method([], 'void'),
      sayhello: method([types.bool], types.text),
      doNothing: method([], 'void', { wireName: 'DONOTHING' }),
    })
    const wrong = client.client(other, endpoint)
    const noMethod = await failure(wrong.missing(), 'ERR_METHOD_NOT_FOUND')
    assert.equal(noMethod.details.remoteMessage, 'Method ITestService::MissingAsync not found')
    const noOverload = await failure(wrong.sayhello(true), 'ERR_AMBIGUOUS_METHOD')
    assert.match(
      noOverload.details.remoteMessage ?? '',
      /^Could not decide which candidate to call out of the following methods:/,
    )
    await wrong.doNothing()
    assert.equal(await call.sayHello('after'), 'after...')
  })

  test(`halibut 13.62: ${mode}: a type that no contract names ends the connection, and the service lives on`, async t => {
    const { call, client, endpoint } = await pair(t, mode)
    const Stranger = types.record({ dotnet: 'Evil.Gadget, Evil', fields: { command: types.text } })
    const strange = client.client(
      defineService(TestService.wireName, { move: method([Stranger], 'void') }),
      endpoint,
    )
    await failure(strange.move({ command: 'boom' }), 'ERR_CONNECTION_LOST')
    assert.equal(await call.sayHello('after'), 'after...')
  })
}
