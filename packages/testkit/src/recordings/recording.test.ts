import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import {
  asObject,
  comparable,
  decodeDocument,
  encodeDocument,
  type Json,
  messageOf,
  type Tolerance,
  withId,
} from './document.ts'
import { playSide } from './player.ts'
import { type Entry, type RecordingName, readRecording } from './recording.ts'
import { WireSocket } from './wire-socket.ts'

const names: readonly RecordingName[] = ['listening', 'polling', 'tentacle', 'ours-listening', 'ours-polling']

test('the recordings hold as many connections and messages as were recorded', () => {
  const counts = names.map(name => {
    const connections = readRecording(name)
    return [name, connections.length, connections.flat().filter(entry => entry.kind === 'message').length]
  })
  assert.deepEqual(counts, [
    ['listening', 3, 74],
    ['polling', 1, 194],
    ['tentacle', 4, 321],
    ['ours-listening', 1, 50],
    ['ours-polling', 1, 52],
  ])
})

test('a recorded frame inflates to its document, and the document makes the same BSON again', () => {
  for (const entry of names.flatMap(name => readRecording(name).flat())) {
    if (entry.kind !== 'message') continue
    const plain = inflateRawSync(entry.frame)
    assert.equal(JSON.stringify(decodeDocument(plain)), JSON.stringify(entry.document))
    assert.ok(encodeDocument(entry.document).equals(plain))
  }
})

test('the message that was too large to keep is rebuilt: a text of 1 MiB there and back', () => {
  for (const name of ['listening', 'polling'] as const) {
    const rebuilt = readRecording(name)
      .flat()
      .filter(entry => entry.kind === 'message' && !entry.isRecorded)
      .map(entry => messageOf(entry.kind === 'message' ? entry.document : null))
    assert.equal(rebuilt.length, 2)
    const [request, response] = rebuilt
    assert.deepEqual(request?.params, [response?.result])
    assert.equal(String(response?.result).length, 1024 * 1024)
    assert.equal(request?.id, response?.id)
  }
})

test('documents are compared without ids and addresses, but with their order and types', () => {
  const [first, second] = readRecording('listening')
    .flat()
    .flatMap(entry => (entry.kind === 'message' ? [entry.document] : []))
  assert.ok(first !== undefined && second !== undefined)
  const text = (json: typeof first) => JSON.stringify(comparable(json))
  assert.equal(text(first), text(withId(first, 'another')))
  assert.notEqual(text(second), text(withId(second, 'another')), 'a response answers one request')
  const { id, ...others } = asObject(messageOf(first))
  assert.notEqual(text(first), text({ Message: { ...others, id: id ?? '' } }), 'id moved to the end')
})

test('between .NET and us some texts may differ, between two of ours only what is random', () => {
  const response = (type: string, stack: string): Json => ({
    Message: { id: 'x', error: { message: 'm', details: `d\n${stack}` }, result: { $type: type } },
  })
  const first = response('T`1[[System.String, mscorlib]]', 'at here')
  const second = response('T`1[[System.String, System.Private.CoreLib]]', 'at there')
  const text = (json: Json, tolerance: Tolerance) => JSON.stringify(comparable(json, tolerance))
  assert.equal(text(first, 'dotnet'), text(second, 'dotnet'))
  assert.notEqual(text(first, 'own'), text(second, 'own'))
  assert.equal(text(first, 'own'), JSON.stringify(first))
  const request = (guid: string): Json => ({ Message: { id: `IA::BAsync[1] / ${guid}`, method: 'B' } })
  const [one, two] = ['1', '2'].map(digit => request(`0000000${digit}-0000-4000-8000-000000000000`))
  assert.ok(one !== undefined && two !== undefined)
  assert.equal(text(one, 'own'), text(two, 'own'))
  assert.notEqual(text(one, 'own'), text(request('another'), 'own'))
})

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const accepted = once(server, 'connection')
  const dialled = connect(address.port, '127.0.0.1')
  await once(dialled, 'connect')
  const [socket] = await accepted
  server.close()
  return [dialled, socket]
}

/** What our own dialling side does differently from the recorded one: CRLF after `MX`. */
function withOurPreamble(entries: readonly Entry[]): Entry[] {
  return entries.map(entry =>
    entry.kind === 'control' ? { ...entry, text: entry.text.replace(/^MX\n\n/, 'MX\r\n\r\n') } : entry,
  )
}

test('both recorded sides play against each other to the end, whatever the size of the packets', async () => {
  const [, , shortest = []] = readRecording('listening')
  for (const packetBytes of [1, 7, 65_536]) {
    const [dialled, accepted] = await socketPair()
    await Promise.all([
      playSide('connector', withOurPreamble(shortest), dialled, { packetBytes }),
      playSide('acceptor', shortest, accepted, { packetBytes }),
    ])
  }
})

test('the player notices a wrong control line, another document and bytes too many', async () => {
  const [, , shortest = []] = readRecording('listening')
  const wrong: Entry[][] = [
    shortest.map(entry =>
      entry.kind === 'control' ? { ...entry, text: entry.text.replace('1.0', '1.1') } : entry,
    ),
    [...shortest.slice(0, -1), { kind: 'control', from: 'connector', text: 'END\r\nmore' }],
  ]
  for (const entries of wrong) {
    const [dialled, accepted] = await socketPair()
    const results = await Promise.allSettled([
      playSide('connector', withOurPreamble(entries), dialled),
      playSide('acceptor', shortest, accepted),
    ])
    assert.ok(results.some(result => result.status === 'rejected'))
  }
})

test('a wire socket takes exactly what it is asked for', async () => {
  const [dialled, accepted] = await socketPair()
  const wire = new WireSocket(accepted)
  dialled.end('NEXT\r\nrest')
  assert.equal(await wire.text(6), 'NEXT\r\n')
  await assert.rejects(wire.closed(), /4 bytes were left/)
  await assert.rejects(wire.take(5, 'more'), /ended where more should come.*rest/)
})
