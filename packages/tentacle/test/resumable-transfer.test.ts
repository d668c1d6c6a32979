import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import {
  appendFile,
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import {
  CapabilitiesServiceV2,
  hasCapability,
  ResumableFileTransferService,
  type ResumableUpload,
  type UploadState,
} from '@tentacle/contracts'
import { DataStream, isRetryable, type ServiceImplementation } from '@tentacle/halibut'
import { type FaultPlan, openFaultProxy, until } from '@tentacle/testkit'
import { createResumableTransferService } from '../src/services/resumable-transfer-service.ts'
import { Uploads } from '../src/transfer/uploads.ts'
import { listeningEndpoint, openServer, serverCertificate, startAgent } from './agent-rig.ts'
import { caller, openServices, temporaryHome } from './script-agent.ts'

type Files = ServiceImplementation<typeof ResumableFileTransferService>

const mib = 1024 * 1024

function sha1(content: Uint8Array): string {
  return createHash('sha1').update(content).digest('hex')
}

function uploadOf(content: Uint8Array, remotePath = 'Files/a.bin', sender = 'one'): ResumableUpload {
  return { remotePath, length: content.length, hash: sha1(content), sender }
}

/** Bytes that look random and are the same in each run. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

/** A part whose connection breaks after some bytes. */
function broken(part: Uint8Array, after: number): DataStream {
  return DataStream.from(part.length, async function* () {
    yield part.subarray(0, after)
    throw new Error('the line is cut')
  })
}

function complete(home: string, content: Uint8Array, remotePath = 'Files/a.bin'): UploadState {
  const result = { fullPath: join(home, remotePath), hash: sha1(content), length: content.length }
  return { status: 'Complete', heldBytes: content.length, result }
}

/** Everything below the home that has to do with uploads, but for finished files. */
async function remains(home: string): Promise<readonly string[]> {
  const names = await readdir(home, { recursive: true })
  return names.filter(name => name.endsWith('.partial') || name.includes('.uploads/'))
}

async function openFiles(t: TestContext, home?: string): Promise<{ files: Files; home: string }> {
  const services = await openServices(t, home === undefined ? {} : { home })
  return { files: services.resumableFiles, home: services.home }
}

/** A proxy in front of an agent that cuts each connection of the plan, and counts what goes to the agent. */
async function throughProxy(t: TestContext, plan: (index: number) => FaultPlan) {
  const certificate = await serverCertificate()
  const agent = await startAgent(t, { configure: [`--trust=${certificate.thumbprint}`] })
  let bytes = 0
  const proxy = await openFaultProxy({
    to: { port: agent.port },
    plan,
    onChunk: (_connection, direction, chunk) => {
      if (direction === 'up') bytes += chunk.length
    },
  })
  t.after(() => proxy.close())
  const server = openServer(t, certificate)
  const endpoint = { ...listeningEndpoint(agent), baseUri: `https://127.0.0.1:${proxy.port}/` }
  return {
    home: agent.rig.at('home'),
    files: server.client(ResumableFileTransferService, endpoint),
    capabilities: server.client(CapabilitiesServiceV2, endpoint),
    proxy,
    sentBytes: () => bytes,
  }
}

test('an upload that is cut again and again goes on where it was: nothing is sent twice', async t => {
  const content = randomBytes(12 * mib)
  const cuts = [2 * mib, 3 * mib, mib, 2.5 * mib]
  const { home, files, capabilities, proxy, sentBytes } = await throughProxy(t, index => {
    const afterBytes = cuts[index]
    if (afterBytes === undefined) return {}
    return { up: { kind: index % 2 === 0 ? 'cut' : 'reset', afterBytes } }
  })
  const path = join(home, 'Files/a.bin')
  await mkdir(dirname(path))
  await writeFile(path, 'old')
  const upload = uploadOf(content)
  let breaks = 0
  let state: UploadState | undefined
  let held = 0
  while (state?.status !== 'Complete') {
    try {
      state = await files.startUpload(upload)
      assert.equal(state.status, 'Open')
      assert.ok(state.heldBytes >= held, 'what was held is still there')
      held = state.heldBytes
      state = await files.uploadPart(upload, held, DataStream.fromBytes(content.subarray(held)))
    } catch (error) {
      assert.ok(isRetryable(error), String(error))
      breaks++
      assert.equal(await readFile(path, 'utf8'), 'old')
    }
  }
  assert.equal(breaks, cuts.length)
  assert.equal(proxy.connections, cuts.length + 1)
  assert.deepEqual(state, complete(home, content))
  assert.ok(content.equals(await readFile(path)))
  // Of each connection the last bytes may be lost, which were in buffers when it broke; and TLS adds its own.
  assert.ok(sentBytes() < 1.02 * content.length + cuts.length * mib, `${sentBytes()} bytes`)
  assert.deepEqual(await remains(home), [])
  assert.ok(hasCapability(await capabilities.getCapabilities(), 'IResumableFileTransferService'))
})

test('a download that is cut goes on where it was, and begins again when the file is another one', async t => {
  const content = randomBytes(6 * mib)
  const { home, files } = await throughProxy(t, index =>
    index < 2 ? { down: { kind: 'cut', afterBytes: 2 * mib } } : {},
  )
  await writeFile(join(home, 'log'), content)
  const received: Buffer[] = []
  const bytes = () => received.reduce((sum, { length }) => sum + length, 0)
  const request = { remotePath: 'log', version: '', offset: 0, maximumBytes: 0 }
  const first = await files.downloadPart(request)
  const version = first?.version ?? ''
  assert.deepEqual([first?.length, first?.content?.length], [content.length, 0])
  let breaks = 0
  while (bytes() < content.length) {
    const rest = { ...request, version, offset: bytes(), maximumBytes: 4 * mib }
    try {
      const receiveStream = async (stream: DataStream) => {
        for await (const chunk of stream.read()) received.push(Buffer.from(chunk))
      }
      assert.equal((await files.downloadPart(rest, { receiveStream }))?.version, version)
    } catch (error) {
      assert.ok(isRetryable(error), String(error))
      breaks++
    }
  }
  assert.equal(breaks, 2)
  assert.ok(content.equals(Buffer.concat(received)))
  await writeFile(join(home, 'log'), 'another')
  const news = await files.downloadPart({ ...request, version, maximumBytes: mib })
  assert.deepEqual([news?.length, news?.content], [7, null])
  const whole = await files.downloadPart({ ...request, version: news?.version ?? '', maximumBytes: mib })
  assert.equal(String(await whole?.content?.bytes()), 'another')
})

test('any file arrives whole, whatever its parts and wherever they are cut', async t => {
  const { files, home } = await openFiles(t)
  const random = numbers(20_261_125)
  const upTo = (most: number): number => Math.floor(random.next().value * (most + 1))
  for (let round = 0; round < 60; round++) {
    const content = randomBytes(upTo(round % 3 === 0 ? 5 : 3000))
    const upload = uploadOf(content, `${round}/x`)
    let state = await files.startUpload(upload, caller)
    while (state.status === 'Open') {
      const { heldBytes } = state
      const part = content.subarray(heldBytes, heldBytes + 1 + upTo(1200))
      const cut = upTo(part.length)
      if (cut === part.length) {
        state = await files.uploadPart(upload, heldBytes, DataStream.fromBytes(part), caller)
        continue
      }
      await assert.rejects(async () => files.uploadPart(upload, heldBytes, broken(part, cut), caller), {
        code: 'ERR_FILE',
        message: /the line is cut/,
      })
      state = await files.startUpload(upload, caller)
      assert.equal(state.heldBytes, heldBytes + cut)
    }
    assert.deepEqual(state, complete(home, content, `${round}/x`))
    assert.ok(content.equals(await readFile(join(home, `${round}/x`))))
  }
  assert.deepEqual(await remains(home), [])
})

test('an upload goes on after a restart of the agent, and one whose last answer was lost is complete', async t => {
  const content = randomBytes(1000)
  const upload = uploadOf(content)
  const first = await openFiles(t)
  const { home } = first
  await first.files.startUpload(upload, caller)
  await first.files.uploadPart(upload, 0, DataStream.fromBytes(content.subarray(0, 700)), caller)
  const { files } = await openFiles(t, home)
  assert.deepEqual(await files.startUpload(upload, caller), { status: 'Open', heldBytes: 700, result: null })
  const end = await files.uploadPart(upload, 700, DataStream.fromBytes(content.subarray(700)), caller)
  assert.deepEqual(end, complete(home, content))
  const third = await openFiles(t, home)
  for (const again of [files, files, third.files, third.files])
    assert.deepEqual(await again.startUpload(upload, caller), complete(home, content))
})

test('other content of the same length and place is another upload, and so is a file that was changed', async t => {
  const { files, home } = await openFiles(t)
  const [old, content] = [Buffer.alloc(500, 'a'), Buffer.alloc(500, 'b')]
  await files.startUpload(uploadOf(old), caller)
  await files.uploadPart(uploadOf(old), 0, DataStream.fromBytes(old.subarray(0, 400)), caller)
  assert.equal((await files.startUpload(uploadOf(content), caller)).heldBytes, 0)
  await files.uploadPart(uploadOf(content), 0, DataStream.fromBytes(content), caller)
  assert.deepEqual(await files.startUpload(uploadOf(content), caller), complete(home, content))
  await writeFile(join(home, 'Files/a.bin'), old)
  assert.equal((await files.startUpload(uploadOf(content), caller)).status, 'Open')
})

test('bytes that are not those of the file are thrown away, and the old file stays', async t => {
  const { files, home } = await openFiles(t)
  const content = Buffer.alloc(500, 'right')
  const path = join(home, 'Files/a.bin')
  await mkdir(dirname(path))
  await writeFile(path, 'old')
  const upload = uploadOf(content)
  await files.startUpload(upload, caller)
  await files.uploadPart(upload, 0, DataStream.fromBytes(Buffer.alloc(400, 'wrong')), caller)
  const damaged = await files.uploadPart(upload, 400, DataStream.fromBytes(content.subarray(400)), caller)
  assert.deepEqual(damaged, { status: 'Damaged', heldBytes: 0, result: null })
  assert.equal(await readFile(path, 'utf8'), 'old')
  assert.deepEqual(await remains(home), [])
  assert.deepEqual(await files.startUpload(upload, caller), { status: 'Open', heldBytes: 0, result: null })
  assert.equal((await files.uploadPart(upload, 0, DataStream.fromBytes(content), caller)).status, 'Complete')
})

test('what lies on the disk is read again when something else has changed it', async t => {
  const { files, home } = await openFiles(t)
  const content = randomBytes(500)
  const upload = uploadOf(content)
  await files.startUpload(upload, caller)
  await files.uploadPart(upload, 0, DataStream.fromBytes(content.subarray(0, 400)), caller)
  const [name = ''] = (await remains(home)).filter(each => each.endsWith('.partial'))
  await writeFile(join(home, name), content.subarray(0, 100))
  assert.equal((await files.startUpload(upload, caller)).heldBytes, 100)
  await files.uploadPart(upload, 100, DataStream.fromBytes(content.subarray(100, 300)), caller)
  await writeFile(join(home, name), randomBytes(900))
  assert.equal((await files.startUpload(upload, caller)).heldBytes, 0)
  assert.deepEqual(
    await files.uploadPart(upload, 0, DataStream.fromBytes(content), caller),
    complete(home, content),
  )
})

test('while one sender uploads others wait; the same one comes back to a connection that hangs', async t => {
  const { files, home } = await openFiles(t)
  const content = randomBytes(1000)
  const [upload, other] = [uploadOf(content), uploadOf(content, 'Files/a.bin', 'two')]
  await files.startUpload(upload, caller)
  const line = new PassThrough()
  line.write(content.subarray(0, 300))
  const hanging = Promise.resolve(
    files.uploadPart(
      upload,
      0,
      DataStream.from(1000, () => line),
      caller,
    ),
  )
  const lost = assert.rejects(hanging, { code: 'ERR_FILE' })
  await until('the line is read', () => line.readableLength === 0)
  assert.equal((await files.startUpload(other, caller)).status, 'Busy')
  const rest = DataStream.fromBytes(content)
  assert.equal((await files.uploadPart(other, 0, rest, caller)).status, 'Busy')
  const state = await files.startUpload(upload, caller)
  await lost
  assert.deepEqual(state, { status: 'Open', heldBytes: 300, result: null })
  const end = await files.uploadPart(other, 300, DataStream.fromBytes(content.subarray(300)), caller)
  assert.deepEqual(end, complete(home, content))
  assert.deepEqual(await files.startUpload(upload, caller), complete(home, content))
})

test('a large file is read while the caller asks again', async t => {
  const home = await temporaryHome(t)
  const content = randomBytes(40 * mib)
  const upload = uploadOf(content)
  const first = await openFiles(t, home)
  await first.files.startUpload(upload, caller)
  await first.files.uploadPart(upload, 0, DataStream.fromBytes(content.subarray(0, -1)), caller)
  const [name = ''] = (await remains(home)).filter(each => each.endsWith('.partial'))
  await appendFile(join(home, name), content.subarray(-1))
  // The first agent then reads what is held for its digest, the second one what is in its place.
  for (let agents = 0; agents < 2; agents++) {
    const uploads = new Uploads({ home, freeSpace: async () => 1024 * mib, patienceMs: 5 })
    const files = createResumableTransferService(home, uploads)
    assert.equal((await files.startUpload(upload, caller)).status, 'Busy')
    const isComplete = async () => (await files.startUpload(upload, caller)).status === 'Complete'
    await until('it is complete', isComplete)
  }
  assert.ok(content.equals(await readFile(join(home, 'Files/a.bin'))))
})

test('a part that does not begin at the end of what is held is not written', async t => {
  const { files } = await openFiles(t)
  const content = randomBytes(1000)
  const upload = uploadOf(content)
  await files.uploadPart(upload, 0, DataStream.fromBytes(content.subarray(0, 600)), caller)
  for (const offset of [0, 599, 601]) {
    const part = DataStream.fromBytes(content.subarray(offset, offset + 100))
    assert.deepEqual(await files.uploadPart(upload, offset, part, caller), {
      status: 'Open',
      heldBytes: 600,
      result: null,
    })
  }
  for (const offset of [-1, 600]) {
    const part = DataStream.fromBytes(Buffer.alloc(401))
    await assert.rejects(async () => files.uploadPart(upload, offset, part, caller), { code: 'ERR_FILE' })
  }
})

test('an unfinished upload is private and hidden; the finished file has the permissions of the old one', async t => {
  const { files, home } = await openFiles(t)
  const content = randomBytes(1000)
  const path = join(home, 'Files/a.bin')
  await mkdir(dirname(path))
  const begin = async (sent: Buffer, remotePath = 'Files/a.bin') => {
    const part = DataStream.fromBytes(sent.subarray(0, 10))
    await files.startUpload(uploadOf(sent, remotePath), caller)
    await files.uploadPart(uploadOf(sent, remotePath), 0, part, caller)
  }
  await writeFile(path, 'old')
  await chmod(path, 0o750)
  await begin(content)
  const [name = ''] = (await remains(home)).filter(each => each.endsWith('.partial'))
  assert.match(name, /^Files\/\.[0-9a-f]{40}\.partial$/)
  assert.equal((await stat(join(home, name))).mode & 0o777, 0o600)
  await files.uploadPart(uploadOf(content), 10, DataStream.fromBytes(content.subarray(10)), caller)
  assert.equal((await stat(path)).mode & 0o777, 0o750)
  const fresh = randomBytes(20)
  await begin(fresh, 'new')
  await files.uploadPart(uploadOf(fresh, 'new'), 10, DataStream.fromBytes(fresh.subarray(10)), caller)
  assert.equal((await stat(join(home, 'new'))).mode & 0o777, 0o666 & ~process.umask())
})

test('says why a file cannot be stored or sent', async t => {
  const home = await temporaryHome(t)
  let free = 10 * mib
  const { resumableFiles: files } = await openServices(t, { home, freeSpace: async () => free })
  const content = randomBytes(mib)
  const start = (upload: ResumableUpload) => async () => files.startUpload(upload, caller)
  for (const path of ['', 'a/', 'a\0b'])
    await assert.rejects(start(uploadOf(content, path)), { code: 'ERR_INVALID_NAME' })
  for (const wrong of [{ hash: '' }, { hash: `${sha1(content)}0` }, { length: -1 }])
    await assert.rejects(start({ ...uploadOf(content), ...wrong }), { code: 'ERR_INVALID_NAME' })
  await mkdir(join(home, 'folder'))
  await assert.rejects(start(uploadOf(content, 'folder')), { code: 'ERR_FILE', message: /is a folder/ })
  await writeFile(join(home, 'file'), '')
  await assert.rejects(start(uploadOf(content, 'file/below')), { code: 'ERR_FILE' })
  await files.startUpload(uploadOf(content), caller)
  await files.uploadPart(uploadOf(content), 0, DataStream.fromBytes(content.subarray(0, 10)), caller)
  free = 2 * mib
  await assert.rejects(start(uploadOf(content)), { code: 'ERR_DISK_SPACE' })
  free = 10 * mib
  assert.equal((await start(uploadOf(content))()).heldBytes, 10)

  const download = (remotePath: string, offset: number) => async () =>
    files.downloadPart({ remotePath, version: '', offset, maximumBytes: 10 }, caller)
  assert.equal(await download('none', 0)(), null)
  assert.equal(await download('file/none', 0)(), null)
  await assert.rejects(download('folder', 0), { code: 'ERR_FILE', message: /is not a file/ })
  for (const offset of [-1, 1])
    await assert.rejects(download('file', offset), { code: 'ERR_FILE', message: /has 0 bytes/ })
  assert.deepEqual(await (await download('file', 0)())?.content?.bytes(), Buffer.alloc(0))
})

test('does not follow a link that lies where an upload would', async t => {
  const { files, home } = await openFiles(t)
  const content = randomBytes(1000)
  await files.startUpload(uploadOf(content), caller)
  const [id = ''] = await readdir(join(home, 'Work/.uploads'))
  await writeFile(join(home, 'precious'), 'precious')
  const inTheWay = join(home, `Files/.${id}.partial`)
  for (const make of [symlink, link]) {
    await make(join(home, 'precious'), inTheWay)
    for (const call of [
      async () => files.startUpload(uploadOf(content), caller),
      async () => files.uploadPart(uploadOf(content), 0, DataStream.fromBytes(content), caller),
    ])
      await assert.rejects(call, { code: 'ERR_FILE', message: /is in the way/ })
    await rm(inTheWay)
  }
  assert.equal(await readFile(join(home, 'precious'), 'utf8'), 'precious')
})

test('tentacle 12.63: unfinished uploads are deleted when nobody has gone on with them for a week', async t => {
  const home = await temporaryHome(t)
  const services = await openServices(t, { home })
  const { resumableFiles: files, cleaner } = services
  const content = randomBytes(1000)
  for (const path of ['old', 'elsewhere/recent']) {
    await files.startUpload(uploadOf(content, path), caller)
    await files.uploadPart(uploadOf(content, path), 0, DataStream.fromBytes(content.subarray(0, 9)), caller)
  }
  await writeFile(join(home, 'precious'), '')
  await writeFile(join(home, 'Work/.uploads/damaged'), join(home, 'precious'))
  const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 60 * 60 * 1000)
  const age = async (path: string, days: number) => utimes(join(home, path), daysAgo(days), daysAgo(days))
  const partials = (await remains(home)).filter(name => name.endsWith('.partial'))
  for (const name of partials) await age(name, name.startsWith('elsewhere') ? 6 : 8)
  await age('precious', 8)
  await age('Work/.uploads/damaged', 8)
  await cleaner.clean()
  const left = await remains(home)
  assert.equal(left.length, 2, left.join())
  assert.ok(left.some(name => name.startsWith('elsewhere/.')))
  assert.equal(await readFile(join(home, 'precious'), 'utf8'), '')
  assert.equal((await files.startUpload(uploadOf(content, 'old'), caller)).heldBytes, 0)
})
