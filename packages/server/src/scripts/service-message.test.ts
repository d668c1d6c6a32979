import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createServiceMessageReader, type ReadLine } from './service-message.ts'

type Expected = readonly (readonly [string, Readonly<Record<string, string>>])[]
interface Vectors {
  readonly cases: readonly { readonly name: string; readonly line: string; readonly messages: Expected }[]
  readonly splitOverLines: { readonly lines: readonly string[]; readonly messages: Expected }
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../test/fixtures/service-messages.json', import.meta.url), 'utf8'),
)

function messagesOf(lines: readonly ReadLine[]): Expected {
  return lines.flatMap(line =>
    line.kind === 'message'
      ? [[line.message.name, Object.fromEntries(line.message.attributes)] as const]
      : [],
  )
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('service messages', () => {
  for (const { name, line, messages } of vectors.cases) {
    test(`are read as the recorded reader does: ${name}`, () => {
      assert.deepEqual(messagesOf([createServiceMessageReader().read(line)]), messages)
    })
  }

  test('go on over a line end', () => {
    const reader = createServiceMessageReader()
    const read = vectors.splitOverLines.lines.map(line => reader.read(line))
    assert.deepEqual(messagesOf(read), vectors.splitOverLines.messages)
    assert.equal(reader.heldLines(), 0)
  })

  test('deployment 7.16: a message with bad base64 has no effect, and its text is not shown', () => {
    assert.deepEqual(createServiceMessageReader().read("a ##octopus[mask value='%%'] b"), {
      kind: 'broken',
      text: 'a b',
    })
  })

  test('leave the text around them', () => {
    const read = createServiceMessageReader().read('before ##octopus[stdout-wait] after')
    assert.equal(read.kind === 'message' && read.text, 'before after')
  })

  test('become text when they never end', () => {
    const reader = createServiceMessageReader()
    assert.equal(reader.read('##octopus[never').kind, 'unfinished')
    assert.equal(reader.read('more').kind, 'unfinished')
    assert.deepEqual(reader.end(), ['##octopus[never', 'more'])
    assert.deepEqual(reader.read('next'), { kind: 'text', texts: ['next'] })
  })

  test('are not waited for without a limit', () => {
    const reader = createServiceMessageReader()
    const line = 'x'.repeat(300_000)
    const kinds = ['##octopus[endless', line, line, line, line].map(text => reader.read(text).kind)
    assert.deepEqual(kinds, ['unfinished', 'unfinished', 'unfinished', 'unfinished', 'text'])
  })

  test('carry any values, in any order, between any texts', () => {
    const attributes = fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/),
      fc.string({ unit: 'grapheme' }),
    )
    fc.assert(
      fc.property(attributes, fc.stringMatching(/^[^#\n]{0,20}$/), (values, before) => {
        const written = Object.entries(values).map(([key, value]) => ` ${key}='${base64(value)}'`)
        const read = createServiceMessageReader().read(`${before}##octopus[setVariable${written.join('')}]`)
        assert.deepEqual(messagesOf([read]), [['setVariable', { ...values }]])
      }),
    )
  })

  test('nothing that a script prints makes the reader fail or lose a line', () => {
    const piece = fc.constantFrom('##octopus[', ']', "a='", "'", 'YQ==', ' ', '#', 'name', '\u0000', 'x')
    fc.assert(
      fc.property(fc.array(fc.array(piece).map(parts => parts.join(''))), lines => {
        const reader = createServiceMessageReader()
        let seen = 0
        for (const line of lines) {
          const held = reader.heldLines()
          const read = reader.read(line)
          if (read.kind === 'text') seen += read.texts.length
          if (read.kind === 'message' || read.kind === 'broken') seen += held + 1
        }
        assert.equal(seen + reader.end().length, lines.length)
      }),
    )
  })
})
