import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, parseTemplate, RecursiveDefinitionError, TemplateError, Variables } from '../src/index.ts'

/** Text out of the pieces that templates are made of, so that most of it nearly parses. */
const piece = fc.constantFrom(
  '#{',
  '#{/',
  '##{',
  '#',
  '}',
  '{',
  '[',
  ']',
  '|',
  '.',
  '"',
  '\\"',
  ' ',
  '\n',
  'if ',
  'unless ',
  'each ',
  ' in ',
  'calc ',
  '#{else}',
  '#{elseif ',
  '#{/if}',
  '#{/unless}',
  '#{/each}',
  '==',
  '!=',
  'A',
  'B',
  'b-c',
  'Octopus',
  '(',
  ')',
  '+',
  '*',
  '1',
  ' | ToUpper',
  ' | FromBase64',
  ' | Append ',
  ' | Replace "a" "b"',
  ' | null',
  ' | Format N2',
  'é',
  '日',
  '\ud83d\ude00',
  '\ud800',
)
const templateText = fc.array(piece, { maxLength: 25 }).map(pieces => pieces.join(''))
const variableSet = fc.dictionary(
  fc.oneof(fc.constantFrom('A', 'B', 'b-c', 'A.B', 'A[1]', 'A[x].B', 'Octopus', 'A!b'), templateText),
  fc.oneof(templateText, fc.json(), fc.constant(null)),
  { maxKeys: 6 },
)

test('evaluation answers with text, or throws an error of this package', () => {
  fc.assert(
    fc.property(templateText, variableSet, fc.boolean(), (template, values, haltOnError) => {
      try {
        const { text, missing, error } = evaluate(template, new Variables(Object.entries(values)), {
          haltOnError,
        })
        assert.equal(typeof text, 'string')
        assert.equal(missing.length > 0, error?.kind === 'missing')
      } catch (error) {
        assert.ok(error instanceof TemplateError, String(error))
        if (error.code === 'ERR_RECURSIVE_DEFINITION') assert.ok(error instanceof RecursiveDefinitionError)
        else assert.equal(error.code, 'ERR_INVALID_BASE64')
      }
    }),
    { numRuns: 3000 },
  )
})

test('text without #{ is answered untouched', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      fc.pre(!text.includes('#{'))
      assert.deepEqual(evaluate(text, new Variables([['A', '1']])), {
        text,
        isNull: false,
        missing: [],
        problems: [],
      })
    }),
  )
})

test('a template that does not parse is answered untouched', () => {
  fc.assert(
    fc.property(templateText, template => {
      fc.pre(parseTemplate(template).problems.length > 0)
      assert.equal(evaluate(template, new Variables()).text, template)
    }),
  )
})

test('without variables a file is left as it is, but for escapes and normal forms', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('Name', 'A.B[c]', 'x | ToUpper'), (around, token) => {
      fc.pre(!/[#{}]/.test(around))
      const text = `${around}#{${token}}${around}`
      assert.equal(evaluate(text, new Variables(), { haltOnError: false }).text, text)
    }),
  )
})

test('a value without tokens comes out as it went in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), value => {
      fc.pre(!value.includes('#{'))
      assert.equal(evaluate('<#{Some.Name[1]}>', new Variables([['some.NAME[1]', value]])).text, `<${value}>`)
    }),
  )
})

test('an escaped template comes out as the template', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', ' ', '{', '}', '#{A}', '#{if A}', '\n')), pieces => {
      const template = pieces.join('')
      fc.pre(!template.includes('##') && !template.includes('{#{'))
      assert.equal(
        evaluate(`#{N}${template.replaceAll('#{', '##{')}`, new Variables([['N', '']])).text,
        template,
      )
    }),
  )
})

test('problems lie inside of the text and start where a token does', () => {
  fc.assert(
    fc.property(templateText, template => {
      for (const { offset, stoppedAt } of parseTemplate(template).problems) {
        assert.ok(offset >= 0 && offset <= stoppedAt && stoppedAt <= template.length)
        assert.ok(template.startsWith('#{', offset))
      }
    }),
  )
})
