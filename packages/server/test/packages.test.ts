import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { type Client, listOf, textOf } from './client.ts'
import { startTestServer, type TestServer } from './test-server.ts'

/** A zip archive with one stored file. */
function zipOf(content: Buffer): Buffer {
  const name = Buffer.from('content.bin')
  const shared = Buffer.alloc(26)
  shared.writeUInt16LE(20, 0)
  shared.writeUInt32LE(crc32(content), 10)
  shared.writeUInt32LE(content.length, 14)
  shared.writeUInt32LE(content.length, 18)
  shared.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, name, content])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), shared, Buffer.alloc(14), name])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}

const small = zipOf(Buffer.from('hello'))

interface Setting {
  readonly server: TestServer
  readonly client: Client
  readonly apiKey: string
  upload(fileName: string, content: Buffer, mode?: string): ReturnType<Client['send']>
  /** Files in the store, uploads in work among them. */
  files(): Promise<readonly string[]>
}

async function open(t: TestContext): Promise<Setting> {
  const server = await startTestServer(t)
  const { client, apiKey } = server
  return {
    server,
    client,
    apiKey,
    upload(fileName, content, mode = 'FailIfExists') {
      const form = new FormData()
      form.append('data', new Blob([new Uint8Array(content)]), fileName)
      return client.send('POST', `/api/packages/raw?overwriteMode=${mode}`, form)
    },
    async files() {
      const entries = await readdir(join(server.home, 'packages'), { recursive: true, withFileTypes: true })
      return entries.filter(entry => entry.isFile()).map(entry => entry.name)
    },
  }
}

test('a package that was uploaded is listed, described and downloaded as it was', async t => {
  const { upload, client, files } = await open(t)
  const { status, body } = await upload('Acme.Web.1.2.3.zip', small)
  assert.equal(status, 201)
  assert.deepEqual(
    { id: body.Id, size: body.PackageSizeBytes, hash: body.Hash, kind: body.FileExtension },
    {
      id: 'packages-Acme.Web.1.2.3',
      size: small.length,
      hash: createHash('sha1').update(small).digest('hex'),
      kind: '.zip',
    },
  )
  for (const id of ['packages-Acme.Web.1.2.3', 'Acme.Web.1.2.3', 'PACKAGES-acme.web.1.2.3']) {
    assert.equal((await client.get(`/api/packages/${id}`)).PackageId, 'Acme.Web')
  }
  const raw = await client.send('GET', '/api/packages/packages-Acme.Web.1.2.3/raw')
  assert.match(raw.headers.get('content-disposition') ?? '', /Acme\.Web\.1\.2\.3\.zip/)
  assert.equal(Number(raw.headers.get('content-length')), small.length)
  await client.remove('/api/packages/packages-Acme.Web.1.2.3')
  assert.deepEqual(await files(), [])
  assert.equal((await client.send('GET', '/api/packages/Acme.Web.1.2.3')).status, 404)
})

test('the newest version of each package is told by comparing versions, not texts', async t => {
  const { upload, client } = await open(t)
  for (const version of ['1.9.0', '1.10.0', '1.10.0-rc.1', '1.2.0']) await upload(`App.${version}.zip`, small)
  await upload('Tool.0.1.zip', small)
  const latest = await client.items('/api/packages?latest=True')
  assert.deepEqual(
    latest.map(item => item.Version),
    ['1.10.0', '0.1'],
  )
  const versions = await client.items('/api/feeds/feeds-builtin/packages/versions?packageId=app')
  assert.deepEqual(
    versions.map(item => item.Version),
    ['1.10.0', '1.10.0-rc.1', '1.9.0', '1.2.0'],
  )
  const ranged =
    '/api/feeds/feeds-builtin/packages/versions?packageId=App&versionRange=[1.2,1.10)&includePreRelease=false'
  assert.deepEqual(
    (await client.items(ranged)).map(item => item.Version),
    ['1.9.0', '1.2.0'],
  )
  const found = await client.items('/api/feeds/feeds-builtin/packages/search?term=AP')
  assert.deepEqual(
    found.map(item => [item.Id, item.LatestVersion]),
    [['App', '1.10.0']],
  )
})

test('an existing version is refused, overwritten or left, as the client asks', async t => {
  const { upload, client, files } = await open(t)
  const other = zipOf(Buffer.from('other'))
  assert.equal((await upload('App.1.0.0.zip', small)).status, 201)
  const refused = await upload('app.1.0.0.zip', other)
  assert.equal(refused.status, 409)
  // Clients look for these words.
  assert.match(String(refused.body.Errors), /A package with the same name and version already exists/)
  assert.equal((await upload('App.1.0.0.zip', other, 'IgnoreIfExists')).status, 200)
  assert.equal((await client.get('/api/packages/App.1.0.0')).PackageSizeBytes, small.length)
  assert.equal((await upload('App.1.0.0.nupkg', other, 'OverwriteExisting')).status, 201)
  const kept = await client.get('/api/packages/App.1.0.0')
  assert.deepEqual(
    [kept.FileExtension, kept.Hash],
    ['.nupkg', createHash('sha1').update(other).digest('hex')],
  )
  assert.equal((await files()).length, 1)
  assert.equal((await upload('App.1.0.0.zip', other, 'Sometimes')).status, 400)
})

test('what is no package is refused with a reason and leaves nothing behind', async t => {
  const { upload, client, files } = await open(t)
  const rows: readonly [fileName: string, content: Buffer, reason: RegExp][] = [
    ['App.1.0.0.zip', Buffer.from('<html>404 not found</html>'), /does not begin like a zip archive/],
    ['App.1.0.0.zip', small.subarray(0, small.length - 22), /cut off/],
    ['App.1.0.0.zip', Buffer.alloc(0), /empty/],
    ['App.1.0.0.tar.gz', small, /not compressed with gzip/],
    ['App.1.0.0.tar', Buffer.alloc(1024), /tar archive/],
    ['App.1.0.0.exe', small, /none of the kinds/],
    ['App.zip', small, /No package id and version/],
    ['App.2.Web.1.0.0.zip', small, /version 2 of App/],
    ['../../../etc/passwd', small, /none of the kinds/],
  ]
  for (const [fileName, content, reason] of rows) {
    const answer = await upload(fileName, content)
    assert.equal(answer.status, 400, `${fileName}: ${answer.text}`)
    assert.match(String(answer.body.Errors), reason)
  }
  assert.deepEqual(await files(), [])
  assert.deepEqual(await client.items('/api/packages'), [])
})

test('a path in the file name is not followed', async t => {
  const { upload, files } = await open(t)
  const { status, body } = await upload('..\\..\\temp/Evil.1.0.0.zip', small)
  assert.deepEqual([status, body.PackageId], [201, 'Evil'])
  assert.equal((await files()).length, 1)
})

test('a request without a form or without a file is refused', async t => {
  const { client } = await open(t)
  assert.equal((await client.send('POST', '/api/packages/raw', { Name: 'x' })).status, 400)
  const form = new FormData()
  form.append('text', 'no file')
  assert.equal((await client.send('POST', '/api/packages/raw', form)).status, 400)
})

/** Begins an upload and sends its head and these bytes, but not its end. */
async function beginUpload({ server, apiKey }: Setting, bytes: Buffer): Promise<ClientRequest> {
  const { hostname, port } = new URL(server.url)
  const call = httpRequest({
    hostname,
    port,
    method: 'POST',
    path: '/api/packages/raw',
    headers: { 'X-Octopus-ApiKey': apiKey, 'Content-Type': 'multipart/form-data; boundary=b' },
  })
  call.on('error', () => {})
  call.write('--b\r\nContent-Disposition: form-data; name=file; filename=Cut.1.0.0.zip\r\n\r\n')
  await new Promise(resolve => call.write(bytes, resolve))
  return call
}

/** Waits until the folder holds as many files, however long a slow machine takes. */
async function untilFiles(setting: Setting, count: number): Promise<void> {
  while ((await setting.files()).length !== count) await new Promise(resolve => setImmediate(resolve))
}

test('an upload that is cut in the middle leaves nothing, and the server goes on', {
  timeout: 60_000,
}, async t => {
  const setting = await open(t)
  const call = await beginUpload(setting, randomBytes(300_000))
  await untilFiles(setting, 1)
  call.destroy()
  await untilFiles(setting, 0)
  assert.deepEqual(await setting.client.items('/api/packages'), [])
  assert.equal((await setting.upload('Cut.1.0.0.zip', small)).status, 201)
})

test('what a killed server left of an upload is removed at the next start', async t => {
  const setting = await open(t)
  await setting.upload('App.1.0.0.zip', small)
  const orphan = join(setting.server.home, 'packages', 'Spaces-1', 'app', 'App@S9.9.9@00.zip')
  await writeFile(orphan, small)
  await setting.server.stop()
  const { startServer } = await import('../src/start-server.ts')
  const again = await startServer({ home: setting.server.home, port: 0, commsPort: 0 })
  t.after(() => again.stop())
  assert.equal((await setting.files()).length, 1)
  await rm(orphan, { force: true })
})

test('a quoted boundary and unquoted names, as C# clients write them, are read', async t => {
  const { client } = await open(t)
  const text = `--b 1\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=file; filename=Acme.1.0.0.zip; filename*=utf-8''Acme.1.0.0.zip\r\n\r\nPK\x05\x06${'\0'.repeat(18)}\r\n--b 1--\r\n`
  const type = { 'Content-Type': 'multipart/form-data; boundary="b 1"' }
  const answer = await client.send('POST', '/api/packages/raw', text, type)
  assert.deepEqual([answer.status, answer.body.PackageId], [201, 'Acme'], answer.text)
})

test('several packages at once all arrive, and of one version twice at once only one', async t => {
  const { upload, client, files } = await open(t)
  const answers = await Promise.all([
    ...Array.from({ length: 6 }, (_item, n) => upload(`P${n}.1.0.zip`, zipOf(randomBytes(200_000)))),
    upload('Same.1.0.zip', small),
    upload('Same.1.0.zip', zipOf(Buffer.from('x'))),
  ])
  assert.deepEqual(answers.map(answer => answer.status).toSorted(), [201, 201, 201, 201, 201, 201, 201, 409])
  assert.equal((await client.items('/api/packages?take=100')).length, 7)
  assert.equal((await files()).length, 7)
})

/** Sends an upload of this many bytes without ever holding more than a piece of it. */
async function sendLarge({ server, apiKey }: Setting, mebibytes: number): Promise<IncomingMessage> {
  const { hostname, port } = new URL(server.url)
  const piece = randomBytes(1024 * 1024)
  const head = Buffer.from('PK\x03\x04')
  const end = Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`, 'latin1')
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      {
        hostname,
        port,
        method: 'POST',
        path: '/api/packages/raw',
        headers: { 'X-Octopus-ApiKey': apiKey, 'Content-Type': 'multipart/form-data; boundary=b' },
      },
      resolve,
    )
    call.on('error', reject)
    call.write('--b\r\nContent-Disposition: form-data; name=file; filename=Large.1.0.0.zip\r\n\r\n')
    call.write(head)
    let left = mebibytes
    const more = (): void => {
      while (left > 0) {
        left -= 1
        if (!call.write(piece)) {
          call.once('drain', more)
          return
        }
      }
      call.write(end)
      call.end('\r\n--b--\r\n')
    }
    more()
  })
}

test('a large package goes to the disk, not into memory', { timeout: 120_000 }, async t => {
  const setting = await open(t)
  const before = process.memoryUsage.rss()
  const response = await sendLarge(setting, 150)
  response.resume()
  assert.equal(response.statusCode, 201)
  const [item] = await setting.client.items('/api/packages')
  assert.equal(item?.PackageSizeBytes, 150 * 1024 * 1024 + 26)
  assert.ok(process.memoryUsage.rss() - before < 100 * 1024 * 1024)
})

test('packages of one space are not seen in another', async t => {
  const { upload, client } = await open(t)
  await upload('App.1.0.0.zip', small)
  const me = await client.get('/api/users/me')
  const space = await client.post('/api/spaces', { Name: 'Other', SpaceManagersTeamMembers: [me.Id] })
  const id = textOf(space, 'Id')
  assert.equal((await client.send('GET', `/api/${id}/packages/App.1.0.0`)).status, 404)
  assert.deepEqual(listOf(await client.get(`/api/${id}/packages`), 'Items'), [])
})
