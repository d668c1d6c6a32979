import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitsRule, parseVersionRange, ruleProblem } from './version-range.ts'

const rows: readonly [range: string, tag: string, fits: readonly string[], not: readonly string[]][] = [
  ['', '', ['0.1', '9.9.9-rc'], []],
  ['1.0', '', ['1.0', '1.0.0', '2.0'], ['0.9', '1.0-beta']],
  ['[1.0]', '', ['1.0', '1.0.0.0'], ['1.0.1']],
  ['[1.0,2.0)', '', ['1.0', '1.9.9', '2.0-rc'], ['2.0', '0.9']],
  ['(1.0,2.0]', '', ['1.0.1', '2.0'], ['1.0', '2.0.1']],
  ['(,1.0]', '', ['0.0.1', '1.0'], ['1.0.1']],
  ['[1.0,)', '', ['1.0', '99'], ['0.9']],
  ['', '^$', ['1.0', '1.0+build'], ['1.0-rc']],
  ['', '^rc', ['1.0-rc.1', '1.0-RC'], ['1.0', '1.0-beta']],
]
for (const [versionRange, tag, fits, not] of rows) {
  test(`the rule '${versionRange}' with the tag '${tag}' chooses versions`, () => {
    for (const version of fits) assert.equal(fitsRule({ versionRange, tag }, version), true, version)
    for (const version of not) assert.equal(fitsRule({ versionRange, tag }, version), false, version)
  })
}

test('what is no range, or no regular expression, is told so and fits nothing', () => {
  for (const text of ['1.0,2.0', '[1.0', '(1.0)', '[]', '[a,b]', '[1,2,3]', 'latest']) {
    assert.equal(parseVersionRange(text), undefined, text)
    assert.equal(fitsRule({ versionRange: text, tag: '' }, '1.0'), false)
  }
  assert.match(ruleProblem({ versionRange: '', tag: '(' }) ?? '', /regular expression/)
})
