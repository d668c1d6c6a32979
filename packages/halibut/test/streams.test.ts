import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { writeGuid } from '../src/bytes/guid.ts'
import { DataStream } from '../src/index.ts'
import { dialRaw } from './raw-peer.ts'
import { certificateFor, failure, pair, temporaryFolder, until } from './runtimes.ts'

/** Every file below a folder. */
async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ name }) => name)
}

const large = 3 * 1024 * 1024

for (const mode of ['listening', 'polling'] as const) {
  test(`halibut 13.57: ${mode}: the sender of 16 MiB hears of its progress from the beginning to the end`, async t => {
    const { call } = await pair(t, mode)
    const size = 16 * 1024 * 1024
    const path = join(await temporaryFolder(t), 'file')
    await writeFile(path, Buffer.alloc(size))
    const heard: number[] = []
    const onProgress = (sent: number, total: number) => {
      assert.equal(total, size)
      heard.push(sent)
    }
    const bytes = Buffer.alloc(size)
    const sources = [
      DataStream.fromBytes(bytes, { onProgress }),
      await DataStream.fromFile(path, { onProgress }),
      DataStream.from(
        size,
        async function* () {
          for (let at = 0; at < size; at += 84_000) yield bytes.subarray(at, at + 84_000)
        },
        { onProgress },
      ),
    ]
    for (const source of sources) {
      heard.length = 0
      assert.equal(await call.countBytes(source), size)
      assert.ok(heard.length >= 20 && (heard[0] ?? size) < size / 20)
      assert.equal(heard.at(-1), size)
      assert.deepEqual(
        heard,
        heard.toSorted((a, b) => a - b),
      )
    }
  })

  test(`${mode}: a received stream waits in a file, which is gone when it was used or disposed of`, async t => {
    const storage = await temporaryFolder(t)
    const { call, client } = await pair(t, mode, { client: { temporaryFolder: storage } })
    const read = await call.makeStream(large)
    const disposed = await call.makeStream(large)
    const saved = await call.makeStream(large)
    await call.makeStream(large) // nobody uses this one
    assert.equal((await filesIn(storage)).length, 4)
    assert.equal((await read.bytes()).length, large)
    await assert.rejects(read.bytes(), { code: 'ERR_STREAM_USED' })
    await disposed.dispose()
    await disposed.dispose()
    assert.throws(() => disposed.read(), { code: 'ERR_STREAM_USED' })
    const target = join(await temporaryFolder(t), 'saved')
    const progress: number[] = []
    await saved.saveTo(target, { onProgress: (done, total) => void progress.push(done / total) })
    assert.equal((await stat(target)).size, large)
    assert.equal(progress.at(-1), 1)
    while ((await filesIn(storage)).length > 1) await new Promise(setImmediate)
    await client.close()
    assert.deepEqual(await readdir(storage), [])
  })

  test(`${mode}: the streams of a request are gone when the service has answered`, async t => {
    const storage = await temporaryFolder(t)
    const { call } = await pair(t, mode, { service: { temporaryFolder: storage } })
    assert.equal(await call.countBytes(DataStream.fromBytes(Buffer.alloc(large))), large)
    const echoed = await call.echoStream(DataStream.fromBytes(Buffer.alloc(large, 7)))
    assert.equal((await echoed.bytes()).length, large)
    await failure(call.crash(), 'ERR_SERVICE_INVOCATION')
    assert.deepEqual(await filesIn(storage), [])
  })

  test(`halibut 13.58: ${mode}: a source that gives too much, too little or fails, fails the call; the next call works`, async t => {
    const { call } = await pair(t, mode)
    const gives = (length: number, announced: number) =>
      DataStream.from(announced, async function* () {
        yield Buffer.alloc(length)
      })
    await failure(call.countBytes(gives(100, 99)), 'ERR_STREAM_LENGTH')
    await failure(call.countBytes(gives(99, 100)), 'ERR_STREAM_LENGTH')
    await failure(call.countBytes(gives(large, large + 1)), 'ERR_STREAM_LENGTH')
    const broken = DataStream.from(100, async function* () {
      yield Buffer.alloc(50)
      throw new Error('the disk is on fire')
    })
    const error = await failure(call.countBytes(broken), 'ERR_STREAM_SOURCE')
    assert.match(error.message, /the disk is on fire/)
    const wrongKind = DataStream.from(3, () => new PassThrough({ objectMode: true }).end(42))
    await failure(call.countBytes(wrongKind), 'ERR_STREAM_SOURCE')
    assert.equal(await call.sayHello('after'), 'after...')
  })

  test(`${mode}: a file is streamed from disk, and one that changed its length meanwhile fails the call`, async t => {
    const { call } = await pair(t, mode)
    const path = join(await temporaryFolder(t), 'file')
    await writeFile(path, Buffer.alloc(large))
    const stream = await DataStream.fromFile(path)
    assert.equal(await call.countBytes(stream), large)
    assert.equal(await call.countBytes(stream), large)
    await writeFile(path, 'short')
    await failure(call.countBytes(stream), 'ERR_STREAM_LENGTH')
    await rm(path)
    await failure(call.countBytes(stream), 'ERR_STREAM_SOURCE')
  })

  test(`${mode}: a call whose source never gives anything can be cancelled`, async t => {
    const { call } = await pair(t, mode)
    const abort = new AbortController()
    const source = new PassThrough()
    const calling = failure(
      call.countBytes(
        DataStream.from(10, () => source),
        { signal: abort.signal },
      ),
      'ERR_CANCELLED_TRANSFERRING',
    )
    source.write('x')
    await until(() => source.readableFlowing !== null || source.listenerCount('readable') > 0, 'the reader')
    abort.abort()
    await calling
    if (!source.closed) await once(source, 'close')
    assert.equal(await call.sayHello('after'), 'after...')
  })
}

test('a stream may not stand twice in one message', async t => {
  const { call } = await pair(t, 'listening')
  const stream = DataStream.fromText('x')
  await assert.rejects(call.countAll({ label: 'twice', streams: [stream, stream] }), TypeError)
})

test('a received stream that was used cannot be sent, which is told before anything is', async t => {
  const { call } = await pair(t, 'listening')
  const stream = await call.makeStream(10)
  await stream.bytes()
  await failure(call.countBytes(stream), 'ERR_STREAM_USED')
  assert.equal(await call.sayHello('after'), 'after...')
})

test('a folder for received streams that cannot be used fails the call and says why', async t => {
  const path = join(await temporaryFolder(t), 'not-a-folder')
  await writeFile(path, '')
  const { call } = await pair(t, 'listening', { client: { temporaryFolder: join(path, 'below') } })
  await failure(call.makeStream(large), 'ERR_STREAM_STORE')
  assert.equal((await (await call.makeStream(10)).bytes()).length, 10)
})

test('a folder for received streams that somebody cleaned away is made again', async t => {
  const storage = await temporaryFolder(t)
  const { call } = await pair(t, 'listening', { client: { temporaryFolder: storage } })
  await (await call.makeStream(large)).dispose()
  for (const name of await readdir(storage)) await rm(join(storage, name), { recursive: true })
  assert.equal((await (await call.makeStream(large)).bytes()).length, large)
})

test('saving leaves the target as it was when it fails or is cancelled', async t => {
  const path = join(await temporaryFolder(t), 'target')
  await writeFile(path, 'old')
  const liar = DataStream.from(10, async function* () {
    yield Buffer.from('short')
  })
  await assert.rejects(liar.saveTo(path), { code: 'ERR_STREAM_LENGTH' })
  const abort = new AbortController()
  const cancelled = DataStream.from(20, async function* () {
    yield Buffer.alloc(10)
    abort.abort()
    yield Buffer.alloc(10)
  })
  await assert.rejects(cancelled.saveTo(path, { signal: abort.signal }), { name: 'AbortError' })
  assert.equal(await readFile(path, 'utf8'), 'old')
  assert.deepEqual(await filesIn(join(path, '..')), ['target'])
  await DataStream.fromText('new').saveTo(path)
  assert.equal(await readFile(path, 'utf8'), 'new')
})

/** Blocks of a stream as a peer may send them, and what becomes of the connection. */
const blocks: readonly (readonly [string, boolean, (id: string) => Buffer])[] = [
  ['as announced', true, id => block(id, 5n, 'hello', 5n)],
  ['of another id', false, () => block('00000000-0000-0000-0000-000000000001', 5n, 'hello', 5n)],
  ['of another length', false, id => block(id, 4n, 'hell', 4n)],
  ['of a negative length', false, id => block(id, -1n, '', -1n)],
  ['that ends with another length', false, id => block(id, 5n, 'hello', 6n)],
]

function block(id: string, length: bigint, content: string, trailer: bigint): Buffer {
  const header = Buffer.alloc(24)
  writeGuid(header, 0, id)
  header.writeBigInt64LE(length, 16)
  const end = Buffer.alloc(8)
  end.writeBigInt64LE(trailer)
  return Buffer.concat([header, Buffer.from(content), end])
}

for (const [what, isFine, make] of blocks) {
  test(`halibut 13.12: a stream block ${what} is ${isFine ? 'read' : 'refused, and the service lives on'}`, async t => {
    const { port, call } = await pair(t, 'listening')
    const peer = await dialRaw(t, port, await certificateFor('client'))
    peer.socket.on('error', () => {})
    peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
    await peer.lines('MX-SERVER 1.0', '')
    const id = '00112233-4455-6677-8899-aabbccddeeff'
    await peer.send(out => {
      out.openDocument('Message')
      out.string('$type', 'Halibut.Transport.Protocol.RequestMessage, Halibut')
      out.string('id', '1')
      out.string('service', 'ITestService')
      out.string('method', 'CountBytes')
      out.openArray('params')
      out.openDocument('0')
      out.string('$type', 'Halibut.DataStream, Halibut')
      out.guid('id', id)
      out.int64('length', 5)
      out.close()
      out.close()
      out.close()
    })
    peer.socket.write(make(id))
    if (isFine) assert.ok(await peer.message())
    else assert.equal(await peer.rest(), '')
    assert.equal(await call.sayHello('after'), 'after...')
  })
}

test('a stream of random content arrives unchanged, whatever its pieces are', async t => {
  const { call } = await pair(t, 'polling')
  const content = randomBytes(2_000_001)
  const pieces = DataStream.from(content.length, async function* () {
    for (let at = 0, size = 1; at < content.length; at += size, size = (size * 7) % 100_003)
      yield content.subarray(at, at + size)
  })
  const echoed = await call.echoStream(pieces)
  assert.deepEqual(await echoed.bytes(), content)
})
