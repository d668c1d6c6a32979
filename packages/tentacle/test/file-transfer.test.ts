import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataStream } from '@tentacle/halibut'
import { createFileTransferService } from '../src/services/file-transfer-service.ts'
import { caller, temporaryHome } from './script-agent.ts'

test('tentacle 12.56: stores and sends files of all sizes, with hash and length', async t => {
  const home = await temporaryHome(t)
  const files = createFileTransferService({ home })
  for (const size of [0, 1, 70_000, 5_000_000]) {
    const content = randomBytes(size)
    const result = await files.uploadFile(`Files\\sub/${size}.bin`, DataStream.fromBytes(content), caller)
    const fullPath = join(home, 'Files', 'sub', `${size}.bin`)
    assert.deepEqual(result, {
      fullPath,
      hash: createHash('sha1').update(content).digest('hex'),
      length: size,
    })
    assert.deepEqual(await readFile(fullPath), content)
    const sent = await files.downloadFile(fullPath, caller)
    assert.deepEqual(await sent?.bytes(), content)
  }
})

test('tentacle 12.56: answers null for a file that is not there, and for an upload of nothing', async t => {
  const home = await temporaryHome(t)
  const files = createFileTransferService({ home })
  assert.equal(await files.downloadFile('nowhere/none', caller), null)
  assert.deepEqual(await files.uploadFile('x', null, caller), {
    fullPath: join(home, 'x'),
    hash: null,
    length: 0,
  })
  assert.deepEqual(await readdir(home), [])
})

test('replaces a file in one step, keeps its permissions, and keeps the old one when the upload breaks', async t => {
  const home = await temporaryHome(t)
  const files = createFileTransferService({ home })
  const path = join(home, 'tool')
  await writeFile(path, 'old')
  await chmod(path, 0o750)
  const broken = DataStream.from(100, async function* () {
    yield Buffer.from('new')
    throw new Error('the line is cut')
  })
  await assert.rejects(async () => files.uploadFile(path, broken, caller), {
    code: 'ERR_FILE',
    message: /the line is cut/,
  })
  await assert.rejects(
    async () =>
      files.uploadFile(
        path,
        DataStream.from(9, () => shortOf(9)),
        caller,
      ),
    { code: 'ERR_FILE' },
  )
  assert.equal(await readFile(path, 'utf8'), 'old')
  assert.deepEqual(await readdir(home), ['tool'])
  await files.uploadFile(path, DataStream.fromText('new'), caller)
  assert.equal(await readFile(path, 'utf8'), 'new')
  assert.equal((await stat(path)).mode & 0o777, 0o750)
})

async function* shortOf(length: number): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(length - 1)
}

test('says why a file cannot be stored or sent', async t => {
  const home = await temporaryHome(t)
  await mkdir(join(home, 'folder'))
  await writeFile(join(home, 'file'), '')
  const files = createFileTransferService({ home })
  const upload = (path: string) => async () => files.uploadFile(path, DataStream.fromText('x'), caller)
  await assert.rejects(upload('folder'), { code: 'ERR_FILE', message: /is a folder/ })
  await assert.rejects(upload('file/below'), { code: 'ERR_FILE' })
  for (const path of ['', 'a/', 'a\0b']) await assert.rejects(upload(path), { code: 'ERR_INVALID_NAME' })
  await assert.rejects(async () => files.downloadFile('folder', caller), {
    code: 'ERR_FILE',
    message: /is not a file/,
  })
  assert.equal(await files.downloadFile('file/below', caller), null)
})

test('tentacle 12.56: sends of a file that grows what it had when it was asked for', async t => {
  const home = await temporaryHome(t)
  const files = createFileTransferService({ home })
  for (const before of ['', 'one line']) {
    await writeFile(join(home, 'log'), before)
    const sent = await files.downloadFile('log', caller)
    await appendFile(join(home, 'log'), ' and more')
    assert.equal(sent?.length, before.length)
    assert.equal((await sent?.bytes())?.toString(), before)
  }
})

test('sends files of the system, whose size it does not know', {
  skip: process.platform !== 'linux',
}, async t => {
  const files = createFileTransferService({ home: await temporaryHome(t) })
  const sent = await files.downloadFile('/proc/version', caller)
  assert.equal((await sent?.bytes())?.toString(), await readFile('/proc/version', 'utf8'))
})

test('puts no file in the place of a device, pipe or socket', async t => {
  const home = await temporaryHome(t)
  const files = createFileTransferService({ home })
  const socket = createServer().listen(join(home, 'socket'))
  t.after(() => socket.close())
  await once(socket, 'listening')
  await assert.rejects(async () => files.uploadFile('socket', DataStream.fromText('x'), caller), {
    code: 'ERR_FILE',
    message: /is a device, pipe or socket/,
  })
  assert.ok((await stat(join(home, 'socket'))).isSocket())
  await assert.rejects(async () => files.downloadFile('socket', caller), {
    code: 'ERR_FILE',
    message: /is not a file/,
  })
})

test('does not fill the disk: an upload needs a tenth more than its size', async t => {
  const home = await temporaryHome(t)
  const files = createFileTransferService({ home, freeSpace: async () => 1024 * 1024 + 1000 })
  const upload = (size: number) => async () =>
    files.uploadFile('x', DataStream.fromBytes(Buffer.alloc(size)), caller)
  await assert.rejects(upload(1000), { code: 'ERR_DISK_SPACE' })
  assert.equal((await upload(900)()).length, 900)
})
