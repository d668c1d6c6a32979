import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packetSizes, TestConnection } from '../../test/packets.ts'
import { readControl, readLine, readPreamble } from './control-lines.ts'
import { defaultFriendlyPage, renderFriendlyPage } from './friendly-page.ts'
import { readIdentity, writeIdentity } from './identity.ts'

for (const size of packetSizes) {
  test(`halibut 14.20, 14.21: preamble, identity and control lines are read from packets of ${size} bytes`, async () => {
    for (const newline of ['\r\n', '\n']) {
      const connection = new TestConnection()
      const text = `MX${newline}${newline}MX-SUBSCRIBER 1.0 poll://a/\r\n\r\nNEXT\r\n\r\n\r\nEND\r\nrest`
      const feeding = connection.arrive(Buffer.from(text), size)
      const preamble = await readPreamble(connection.source, 5000, 20_000)
      assert.deepEqual(preamble, { isHalibut: true, isWhole: true, text: `MX${newline}${newline}` })
      assert.deepEqual(await readIdentity(connection.source, 5000), {
        kind: 'subscriber',
        subscription: 'poll://a/',
      })
      assert.equal(await readControl(connection.source, 5000, 'a line'), 'NEXT')
      assert.equal(await readControl(connection.source, 5000, 'a line'), 'END')
      await feeding
      assert.equal((await connection.source.exactly(4, 5000, 'the rest')).toString(), 'rest')
    }
  })
}

test('a line ends with \\r\\n or \\n, and a \\r elsewhere is an error', async () => {
  const connection = new TestConnection()
  await connection.arrive(Buffer.from('NEXT\nPROCEED\r\nNE\rXT\r\n'))
  assert.equal(await readLine(connection.source, 5000, 'a line'), 'NEXT')
  assert.equal(await readLine(connection.source, 5000, 'a line'), 'PROCEED')
  await assert.rejects(readLine(connection.source, 5000, 'a line'), { code: 'ERR_PROTOCOL' })
})

test('an endless line and an endless preamble are cut', async () => {
  const connection = new TestConnection()
  await connection.arrive(Buffer.alloc(30_000, 'A'))
  const preamble = await readPreamble(connection.source, 5000, 20_000)
  assert.equal(preamble.isHalibut, false)
  assert.equal(preamble.text.length, 20_000)
  await connection.arrive(Buffer.alloc(30_000, 'A'))
  await assert.rejects(readLine(connection.source, 5000, 'a line'), { code: 'ERR_PROTOCOL' })
})

test('halibut 14.22: identities are written in one piece, and unknown ones refused', async () => {
  const connection = new TestConnection()
  await writeIdentity(connection.sink, { kind: 'client' }, 1000)
  await writeIdentity(connection.sink, { kind: 'server' }, 1000)
  await writeIdentity(connection.sink, { kind: 'subscriber', subscription: 'poll://x/' }, 1000)
  assert.deepEqual(connection.writes.map(String), [
    'MX-CLIENT 1.0\r\n\r\n',
    'MX-SERVER 1.0\r\n\r\n',
    'MX-SUBSCRIBER 1.0 poll://x/\r\n\r\n',
  ])
  for (const text of [
    'MX-FOO 1.0\r\n\r\n',
    '\r\n\r\n',
    'MX-SUBSCRIBER 1.0\r\n\r\n',
    'MX-CLIENT 1.0\r\nmore\r\n',
  ]) {
    const other = new TestConnection()
    await other.arrive(Buffer.from(text))
    await assert.rejects(readIdentity(other.source, 5000), { code: 'ERR_PROTOCOL' })
  }
  await connection.arrive(Buffer.from('MX-CLIENT 9.9 junk\r\n\r\n'))
  assert.deepEqual(await readIdentity(connection.source, 5000), { kind: 'client' })
})

test('waiting for a line ends with the limit of the whole line, however slowly its bytes come', async () => {
  const connection = new TestConnection()
  const reading = readLine(connection.source, 60, 'a line')
  const drip = setInterval(() => connection.stream.push('x'), 10)
  await assert.rejects(reading, { code: 'ERR_TIMEOUT' })
  clearInterval(drip)
  await assert.rejects(connection.source.wait(1000, 'anything'), { code: 'ERR_TIMEOUT' })
})

test('halibut 13.22: the page for web browsers has the bytes that the original has', () => {
  assert.equal(
    renderFriendlyPage(defaultFriendlyPage).toString(),
    'HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 39\r\n\r\n' +
      '<html><body><p>Hello!</p></body></html>\r\n\r\n',
  )
  assert.equal(
    renderFriendlyPage({ html: '', headers: { 'X-One': '1' } }).toString(),
    'HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\nX-One: 1\r\n\r\n\r\n\r\n',
  )
})
