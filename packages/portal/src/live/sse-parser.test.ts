import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSseParser, type ServerEvent } from './sse-parser.ts'

function parse(...pieces: string[]): ServerEvent[] {
  const events: ServerEvent[] = []
  const parser = createSseParser(event => events.push(event))
  for (const piece of pieces) parser.push(piece)
  return events
}

test('an event has a name, its data and the id of the place it stands at', () => {
  assert.deepEqual(parse('id: 7\nevent: log\ndata: {"a":1}\n\n'), [
    { name: 'log', data: '{"a":1}', lastEventId: '7' },
  ])
})

test('an event without an id stands at the place of the one before it', () => {
  const ids = parse('id: 7\ndata: a\n\ndata: b\n\n').map(({ lastEventId }) => lastEventId)
  assert.deepEqual(ids, ['7', '7'])
})

test('several data lines are one text with line breaks', () => {
  assert.equal(parse('data: one\ndata:two\ndata\n\n')[0]?.data, 'one\ntwo\n')
})

test('comments, unknown fields and events without data are passed over', () => {
  assert.deepEqual(parse(': still here\n\nretry: 1000\n\nevent: empty\n\ncolour: red\ndata: x\n\n'), [
    { name: 'message', data: 'x', lastEventId: undefined },
  ])
})

test('only one blank after the colon belongs to the format', () => {
  assert.equal(parse('data:  x\n\n')[0]?.data, ' x')
})

test('an event that was cut off is not reported', () => {
  assert.deepEqual(parse('data: whole\n\ndata: half\n'), [
    { name: 'message', data: 'whole', lastEventId: undefined },
  ])
})

test('an id with a NUL is no id', () => {
  assert.equal(parse('id: a\0b\ndata: x\n\n')[0]?.lastEventId, undefined)
})

for (const end of ['\n', '\r\n', '\r']) {
  test(`lines may end with ${JSON.stringify(end)}`, () => {
    const text = ['id: 1', 'event: log', 'data: x', '', 'data: y', '', ''].join(end)
    // A last CR could still be half of a CR LF, so one more piece shows that it was not.
    const found = parse(text, ':').map(({ name, data }) => [name, data])
    assert.deepEqual(found, [
      ['log', 'x'],
      ['message', 'y'],
    ])
  })
}

test('the pieces in which a stream comes make no difference', () => {
  const line = fc.stringMatching(/^[ -~äß€]{0,20}$/)
  const event = fc.record({
    id: fc.nat(),
    name: fc.constantFrom('log', 'task'),
    data: fc.array(line, { minLength: 1 }),
  })
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
  fc.assert(
    fc.property(fc.array(event), lineEnd, fc.array(fc.integer({ min: 1, max: 9 })), (events, end, sizes) => {
      const text = events
        .map(({ id, name, data }) => [
          `id: ${id}`,
          `event: ${name}`,
          ...data.map(part => `data: ${part}`),
          '',
          '',
        ])
        .map(lines => lines.join(end))
        .join('')
      const pieces: string[] = []
      let at = 0
      for (let turn = 0; at < text.length; turn += 1) {
        const size = sizes[turn % Math.max(1, sizes.length)] ?? 1
        pieces.push(text.slice(at, at + size))
        at += size
      }
      const expected = events.map(({ id, name, data }) => ({
        name,
        data: data.join('\n'),
        lastEventId: String(id),
      }))
      assert.deepEqual(parse(...pieces, ':'), expected)
    }),
  )
})
