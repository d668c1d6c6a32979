import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate } from '../evaluation/evaluate.ts'
import { Variables } from '../variables/variables.ts'
import { parseTemplate } from './parse-template.ts'

const variables = new Variables([
  ['A', '1'],
  ['B', 'b'],
  ['If Enabled', 'yes'],
])

const lenient = (text: string) => evaluate(text, variables, { haltOnError: false }).text

test('a bad piece says where it starts and where reading stopped', () => {
  const [problem] = parseTemplate('ab #{Foo!} c').problems
  assert.deepEqual(problem, {
    offset: 3,
    stoppedAt: 8,
    message: "The token at offset 3 cannot be read: '!' at offset 8 does not fit.",
  })
})

test('a stray #{ in a file leaves the rest of the file working', () => {
  assert.equal(lenient('function(){ "#{ oops !" } #{B} ##{B}'), 'function(){ "#{ oops !" } b #{B}')
  assert.equal(lenient('#{#{B}'), '#{b')
  assert.equal(lenient('#{if A}#{bad!}#{B}#{/if}'), '#{bad!}b')
})

test('a block that is never closed is text, and what is in it is evaluated', () => {
  assert.equal(lenient('#{if A == "1"}x#{B}'), '#{if A == "1"}xb')
  assert.equal(lenient('#{if A == "1"}x#{else}y#{B}'), '#{if A == "1"}x#{else}yb')
  assert.equal(lenient('x#{/if}#{B}#{/each}'), 'x#{/if}b#{/each}')
  assert.equal(lenient('#{each x in B}#{if A}in#{/each}'), '#{if A}in')
})

test('a header that is never closed may be the name of a variable', () => {
  assert.equal(evaluate('#{If Enabled}!', variables).text, 'yes!')
})

test('the first unclosed block is named with its offset', () => {
  const { problems } = parseTemplate('..#{if A == "1"}x')
  assert.match(problems[0]?.message ?? '', /offset 2 is not closed by #\{\/if\}/)
})

const hostile: Record<string, (count: number) => string> = {
  'unclosed blocks': count => '#{if a}'.repeat(count),
  'unclosed comparisons': count => '#{if a == "1"}'.repeat(count),
  'unclosed loops': count => '#{each a in b}x'.repeat(count),
  'unclosed brackets': count => '#{A['.repeat(count),
  'nested indexes': count => '#{A['.repeat(count) + ']}'.repeat(count),
  'nested options': count => '#{x | A '.repeat(count) + '}'.repeat(count),
  'unclosed blocks as options': count => '#{x | A #{if a}'.repeat(count),
  'tests with blocks as options': count => '#{if x | A #{if y | B '.repeat(count),
  'long runs of blanks': count => `#{a${' '.repeat(count)}`.repeat(10),
  'long filter chains': count => `#{x${' | Trim'.repeat(count)}}`,
  'long sums': count => `#{calc 1${'+1'.repeat(count)}}`,
  'deep parentheses': count => `#{calc ${'('.repeat(count)}1${')'.repeat(count)}}`,
  'open quotes': count => '#{if a == "'.repeat(count),
  'hash marks': count => '#'.repeat(count),
  'else tags': count => '#{if a}#{else}'.repeat(count),
}

for (const [name, make] of Object.entries(hostile)) {
  test(`reading stays quick with ${name}`, () => {
    const text = make(30_000)
    // Processor time: other tests keep the machine busy meanwhile.
    const before = process.cpuUsage()
    parseTemplate(text)
    const ms = process.cpuUsage(before).user / 1000
    // One pass takes some 50 ms; anything that grows faster than the text would take minutes.
    assert.ok(ms < 5000, `${text.length} characters took ${ms} ms`)
  })
}
