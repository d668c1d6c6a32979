import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { defaultOutputLevels, type OutputLevels } from './output-level.ts'
import { createScriptOutputReader, type OutputEntry, type ReadOutput } from './script-output.ts'

const occurred = new Date('2026-11-23T10:00:00Z')
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const out = (text: string): OutputEntry => ({ source: 'StdOut', occurred, text })
const err = (text: string): OutputEntry => ({ source: 'StdErr', occurred, text })

function shown({ lines }: ReadOutput): string[] {
  return lines.map(line => `${line.category}: ${line.text}`)
}

describe('the output of a script', () => {
  test('is Info from stdout and Error from stderr', () => {
    const read = createScriptOutputReader().read([out('one'), err('two'), out('')])
    assert.deepEqual(shown(read), ['Info: one', 'Error: two', 'Info: '])
    assert.equal(read.wroteErrors, true)
  })

  test('deployment 7.12: levels change only the lines between them', () => {
    const lines = [
      '##octopus[stdout-verbose]',
      'a',
      '##octopus[stdout-warning]',
      'b',
      '##octopus[stdout-default]',
      'c',
    ]
    assert.deepEqual(shown(createScriptOutputReader().read(lines.map(out))), [
      'Verbose: a',
      'Warning: b',
      'Info: c',
    ])
  })

  test('deployment 7.13: stderr-progress makes stderr verbose, stderr-ignore drops it', () => {
    const lines = [
      '##octopus[stderr-progress]',
      'a',
      '##octopus[stderr-ignore]',
      'b',
      '##octopus[stderr-default]',
      'c',
    ]
    assert.deepEqual(shown(createScriptOutputReader().read(lines.map(err))), ['Verbose: a', 'Error: c'])
  })

  test('keeps the level over several answers of the agent', () => {
    const reader = createScriptOutputReader()
    const { levels } = reader.read([out('##octopus[stdout-highlight]')])
    assert.equal(levels.stdout, 'Highlight')
    assert.deepEqual(shown(createScriptOutputReader(levels).read([out('later')])), ['Highlight: later'])
  })

  test('yields variables, progress and the result message', () => {
    const { effects, lines } = createScriptOutputReader().read([
      out(
        `##octopus[setVariable name='${base64('a')}' value='${base64('b')}' sensitive='${base64('True')}']`,
      ),
      out(`##octopus[setVariable name='${base64('empty')}']`),
      out(`##octopus[progress percentage='${base64('140')}' message='${base64('more')}']`),
      out(`##octopus[resultMessage message='${base64('why')}']`),
    ])
    assert.deepEqual(lines, [])
    assert.deepEqual(effects, [
      { kind: 'setVariable', name: 'a', value: 'b', isSensitive: true },
      { kind: 'setVariable', name: 'empty', value: '', isSensitive: false },
      { kind: 'progress', percentage: 100, message: 'more' },
      { kind: 'resultMessage', message: 'why' },
    ])
  })

  test('takes masks from stderr, but nothing else', () => {
    const { effects, wroteErrors } = createScriptOutputReader().read([
      err(`##octopus[mask value='${base64('secret')}']`),
      err(`##octopus[setVariable name='${base64('a')}' value='${base64('b')}']`),
    ])
    assert.deepEqual(effects, [{ kind: 'mask', value: 'secret' }])
    assert.equal(wroteErrors, false)
  })

  test('is held back from where a message is not complete', () => {
    const reader = createScriptOutputReader()
    const first = reader.read([out('a'), out('##octopus[setVariable'), err('b')])
    assert.deepEqual(shown(first), ['Info: a'])
    assert.equal(first.heldEntries, 2)
    const second = reader.read([out(` name='${base64('n')}']`), out('c')])
    assert.deepEqual(shown(second), ['Error: b', 'Info: c'])
    assert.deepEqual(second.effects, [{ kind: 'setVariable', name: 'n', value: '', isSensitive: false }])
    assert.equal(second.heldEntries, 0)
  })

  test('loses no line when a message never ends', () => {
    const reader = createScriptOutputReader()
    reader.read([out('##octopus[open'), out('last words')])
    assert.deepEqual(shown(reader.end()), ['Info: ##octopus[open', 'Info: last words'])
  })

  test('is not held back for ever by an open message', () => {
    const reader = createScriptOutputReader()
    const many = Array.from({ length: 3_000 }, (_, index) => err(String(index)))
    const lines = [...reader.read([out('##octopus[open'), ...many]).lines, ...reader.end().lines]
    assert.equal(lines.length, 3_001)
  })

  test('gives the same lines and effects however it is cut, and after a restart at every cut', () => {
    const texts = fc.constantFrom(
      'text',
      '##octopus[stdout-verbose]',
      '##octopus[stdout-default]',
      '##octopus[setVariable',
      ` name='${base64('n')}']`,
      `##octopus[mask value='${base64('secret')}']`,
      '##octopus[stderr-ignore]',
      '##octopus[broken name=x]',
    )
    const entry = fc.tuple(fc.constantFrom('StdOut', 'StdErr', 'Debug'), texts)
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), fc.array(fc.nat(5)), (pairs, cuts) => {
        const entries = pairs.map(([source, text]): OutputEntry => ({ source, occurred, text }))
        const whole = createScriptOutputReader()
        const all = [whole.read(entries), whole.end()]
        const parts: ReadOutput[] = []
        let levels: OutputLevels = defaultOutputLevels
        let position = 0
        for (const size of cuts) {
          // A new reader, as after a restart: it gets the entries again that were held back.
          const read = createScriptOutputReader(levels).read(entries.slice(position, position + size))
          parts.push(read)
          levels = read.levels
          position = Math.min(position + size, entries.length) - read.heldEntries
        }
        const rest = createScriptOutputReader(levels)
        parts.push(rest.read(entries.slice(position)), rest.end())
        assert.deepEqual(parts.flatMap(shown), all.flatMap(shown))
        assert.deepEqual(
          parts.flatMap(part => part.effects),
          all.flatMap(part => part.effects),
        )
      }),
    )
  })
})
