import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { DataStream, defineService, host, method, type ServiceImplementation, types } from '../src/index.ts'
import { certificateFor, failure, type Mode, runtime, temporaryFolder } from './runtimes.ts'

const LiveService = defineService('ILiveService', {
  take: method([types.dataStream], types.text),
  takeTwo: method([types.dataStream, types.dataStream], types.text),
  give: method([types.count], types.dataStream),
  giveTwo: method([], types.list(types.dataStream)),
})
type Live = ServiceImplementation<typeof LiveService>

const large = 2 * 1024 * 1024
const content = randomBytes(large)

const unused: Live = {
  take: () => 'not used',
  takeTwo: () => 'not used',
  give: length => DataStream.fromBytes(content.subarray(0, length)),
  giveTwo: () => [DataStream.fromBytes(content), DataStream.fromText('second')],
}

/** A client of a service whose methods read live, and the service's folder for received streams. */
async function live(t: TestContext, mode: Mode, methods: Partial<Live>) {
  const folder = await temporaryFolder(t)
  const client = await runtime(t, 'client', { trust: [(await certificateFor('service')).thumbprint] })
  const service = await runtime(t, 'service', {
    trust: [(await certificateFor('client')).thumbprint],
    services: [host(LiveService, { ...unused, ...methods }, { liveStreams: ['take', 'takeTwo'] })],
    temporaryFolder: folder,
  })
  const thumbprint = service.certificate.thumbprint
  const listener = await (mode === 'listening' ? service : client).listen({ port: 0, host: '127.0.0.1' })
  const address = `https://127.0.0.1:${listener.port}`
  if (mode === 'polling')
    service.poll({
      subscription: 'poll://live/',
      server: { baseUri: address, thumbprint: client.certificate.thumbprint },
    })
  const baseUri = mode === 'listening' ? address : 'poll://live/'
  return { call: client.client(LiveService, { baseUri, thumbprint }), client, service, folder }
}

for (const mode of ['listening', 'polling'] as const) {
  test(`${mode}: a live method runs while its stream arrives, and nothing is written to disk`, async t => {
    const begun = Promise.withResolvers<void>()
    const { call, folder } = await live(t, mode, {
      take: async stream => {
        const parts: Buffer[] = []
        for await (const part of stream.read()) {
          parts.push(part)
          begun.resolve()
        }
        return Buffer.concat(parts).equals(content) ? 'the same' : 'another'
      },
    })
    const source = new PassThrough({ highWaterMark: large })
    source.write(content.subarray(0, 1000))
    const calling = call.take(DataStream.from(large, () => source))
    await begun.promise
    source.end(content.subarray(1000))
    assert.equal(await calling, 'the same')
    assert.deepEqual(await readdir(folder), [])
  })

  test(`${mode}: what a live method does not read is passed over, and the connection stays good`, async t => {
    const opened: number[] = []
    const { call } = await live(t, mode, {
      take: async stream => {
        if (stream.length === 1) return 'never opened'
        const reader = stream.read()
        await once(reader, 'readable')
        reader.read(10)
        if (stream.length === large) throw new Error('not to my taste')
        return 'left'
      },
      takeTwo: async (first, second) => {
        opened.push(first.length)
        return (await second.bytes()).toString()
      },
    })
    assert.equal(await call.take(DataStream.fromText('x')), 'never opened')
    assert.equal(await call.take(DataStream.fromBytes(content.subarray(1))), 'left')
    await failure(call.take(DataStream.fromBytes(content)), 'ERR_SERVICE_INVOCATION')
    // The second is read first: the first has to get out of its way.
    assert.equal(await call.takeTwo(DataStream.fromBytes(content), DataStream.fromText('second')), 'second')
    assert.deepEqual(opened, [large])
  })

  test(`${mode}: a stream that had to get out of the way of another is read from where it was kept`, async t => {
    const { call, folder } = await live(t, mode, {
      takeTwo: async (first, second) => {
        const later = (await second.bytes()).toString()
        return `${later}, then ${(await first.bytes()).equals(content)}`
      },
    })
    const answer = await call.takeTwo(DataStream.fromBytes(content), DataStream.fromText('second'))
    assert.equal(answer, 'second, then true')
    // The file goes when its reader has closed, a moment after the last byte.
    const left = async () => {
      const files = await readdir(folder, { recursive: true, withFileTypes: true })
      return files.filter(entry => entry.isFile()).length
    }
    while ((await left()) > 0) await new Promise(setImmediate)
  })

  test(`${mode}: two live streams cannot be read at the same time, nor one after its method has ended`, async t => {
    let kept: DataStream | undefined
    const { call } = await live(t, mode, {
      takeTwo: async (first, second) => {
        first.read()
        try {
          second.read()
          return 'both'
        } catch (error) {
          return error instanceof Error && 'code' in error ? String(error.code) : 'another error'
        }
      },
      take: async stream => {
        kept = stream
        return 'kept'
      },
    })
    const two = [DataStream.fromBytes(content), DataStream.fromText('second')] as const
    assert.equal(await call.takeTwo(...two), 'ERR_STREAM_USED')
    assert.equal(await call.take(DataStream.fromText('x')), 'kept')
    assert.throws(() => kept?.read(), { code: 'ERR_STREAM_USED' })
  })

  test(`${mode}: a stream that breaks off while it is read fails the method, and is never saved half`, async t => {
    const folder = await temporaryFolder(t)
    const target = join(folder, 'target')
    const outcome = Promise.withResolvers<unknown>()
    const { call } = await live(t, mode, {
      take: async stream => {
        await stream.saveTo(target).catch((error: unknown) => {
          outcome.resolve(error)
          throw error
        })
        return 'saved'
      },
    })
    const source = new PassThrough()
    source.write(content.subarray(0, 100_000))
    const abort = new AbortController()
    const calling = call.take(
      DataStream.from(large, () => source),
      { signal: abort.signal },
    )
    const failed = failure(calling, 'ERR_CANCELLED_TRANSFERRING')
    while ((await readdir(folder)).length === 0) await new Promise(setImmediate)
    abort.abort()
    await failed
    assert.equal((await outcome.promise) instanceof Error, true)
    assert.deepEqual(await readdir(folder), [])
    assert.equal(await call.take(DataStream.fromBytes(content)), 'saved')
    assert.ok((await readFile(target)).equals(content))
  })

  test(`${mode}: a caller can receive the streams of a result while they arrive`, async t => {
    const { call } = await live(t, mode, {})
    let received: Buffer = Buffer.alloc(0)
    const result = await call.give(large, {
      receiveStream: async stream => {
        received = await stream.bytes()
      },
    })
    assert.ok(received.equals(content))
    await assert.rejects(result.bytes(), { code: 'ERR_STREAM_USED' })

    const lengths: number[] = []
    await call.giveTwo({ receiveStream: async ({ length }) => void lengths.push(length) })
    assert.deepEqual(lengths, [large, 6])

    const broken = call.give(large, { receiveStream: () => Promise.reject(new Error('my disk is full')) })
    assert.match((await failure(broken, 'ERR_STREAM_STORE')).message, /my disk is full/)
    assert.equal((await call.give(5)).length, 5)
  })
}

test('a runtime that closes ends a live method that waits for its stream', async t => {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  const { call, service } = await live(t, 'listening', {
    take: async stream => {
      begun.resolve()
      await stream.bytes().catch(error => ended.resolve(error))
      return 'over'
    },
  })
  const calling = failure(call.take(DataStream.from(large, () => new PassThrough())), 'ERR_CONNECTION_LOST')
  await begun.promise
  await service.close()
  await calling
  assert.ok((await ended.promise) instanceof Error)
})

test('saving shows the bytes on their way and keeps the permissions of the file that was there', async t => {
  const folder = await temporaryFolder(t)
  const target = join(folder, 'target')
  await writeFile(target, 'old', { mode: 0o640 })
  await chmod(target, 0o640)
  const seen = createHash('sha1')
  const { call } = await live(t, 'listening', {
    take: async stream => {
      await stream.saveTo(target, { onBytes: bytes => void seen.update(bytes) })
      return 'saved'
    },
  })
  assert.equal(await call.take(DataStream.fromBytes(content)), 'saved')
  assert.equal(seen.digest('hex'), createHash('sha1').update(content).digest('hex'))
  assert.ok((await readFile(target)).equals(content))
  assert.equal((await stat(target)).mode & 0o777, 0o640)
})

test('a connection that breaks while nobody looks after a live reader ends the call, not the process', async t => {
  const opened = Promise.withResolvers<void>()
  const broken = Promise.withResolvers<unknown>()
  const { call } = await live(t, 'listening', {
    take: async (stream, { signal }) => {
      const reader = stream.read()
      reader.resume()
      signal.addEventListener('abort', () => broken.resolve(signal.reason))
      opened.resolve()
      await broken.promise
      await new Promise<void>(resolve => void (reader.closed ? resolve() : reader.once('close', resolve)))
      return String(reader.errored)
    },
  })
  const abort = new AbortController()
  const source = DataStream.from(large, () => new PassThrough())
  const calling = failure(call.take(source, { signal: abort.signal }), 'ERR_CANCELLED_TRANSFERRING')
  await opened.promise
  abort.abort()
  await calling
  assert.ok((await broken.promise) instanceof Error)
  assert.equal(await call.take(DataStream.fromText('x')), 'null')
})
