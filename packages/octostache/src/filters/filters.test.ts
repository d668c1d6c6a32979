import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate } from '../evaluation/evaluate.ts'
import { Variables } from '../variables/variables.ts'

/** filter, input, expected; the token itself where the filter cannot work on the input. */
const cases: readonly (readonly [string, string, string])[] = [
  ['Format N2', '-0.001', '0.00'],
  ['Format N0', '1234567.5', '1,234,568'],
  ['Format C', '-1234.5', '(¤1,234.50)'],
  ['Format P1', '0.1234', '12.3 %'],
  ['Format F3', '2.0005', '2.001'],
  ['Format E2', '12345', '1.23E+004'],
  ['Format G3', '12345', '1.23E+04'],
  ['Format G', '1.50', '1.50'],
  ['Format int X4', '255', '00FF'],
  ['Format int x', '-1', 'ffffffff'],
  ['Format double F2', '1e3', '1000.00'],
  ['Format "0.0%"', '0.256', '25.6%'],
  ['Format "0;(0);none"', '-5', '(5)'],
  ['Format "0;(0);none"', '0', 'none'],
  ['Format D5', '42', '#{x | Format "D5"}'],
  ['Format "dd MMM yyyy HH:mm"', '2024-03-09T10:20:30+02:00', '09 Mar 2024 10:20'],
  ['Format "dddd, h:mm tt"', '03/09/2024 22:05', 'Saturday, 10:05 PM'],
  ['Format datetime "yyyy-MM-ddTHH:mm:ss.fffK"', '2024-03-09T10:20:30.5Z', '2024-03-09T10:20:30.500Z'],
  ['Format datetimeoffset R', '2024-03-09T10:20:30+02:00', 'Sat, 09 Mar 2024 08:20:30 GMT'],
  ['Format date O', '9 March 2024', '2024-03-09T00:00:00.0000000'],
  ['Format date O', '2024-02-30', '#{x | Format "date" "O"}'],
  ['AddDays 1', '2024-02-28', '2024-02-29T00:00:00.0000000'],
  ['AddDays 9999999', '2024-02-28', '#{x | AddDays "9999999"}'],
  ['AddHours x', '2024-02-28', '#{x | AddHours "x"}'],
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: groups of regular expressions
  ['Replace "(?i)A(.)" "<${1}$0>"', 'xab', 'x<bab>'],
  ['Replace "(?<n>b)" "[${n}]"', 'abc', 'a[b]c'],
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
  ['Replace "("', 'abc', '#{x | Replace "("}'],
  ['Indent 300', 'a', '300a'],
  ['Indent \\"- \\" \\"  \\"', 'a\nb', '- a\n  b'],
  ['Sha256 unicode 4', 'a', 'ffe9aaea'],
  ['Md5 99', 'a', '#{x | Md5 "99"}'],
  ['UriPart IsDefaultPort', 'https://ex.org/', 'True'],
  ['UriPart HostAndPort', 'https://ex.org/', 'ex.org:443'],
  ['UriPart AbsoluteUri', 'HTTP://Ex.org', 'http://ex.org/'],
  ['UriPart HostNameType', 'http://10.0.0.1/', 'IPv4'],
  ['UriPart Host', 'not an address', "[UriPart Host error: 'not an address' is no absolute address]"],
  ['UriPart IsAbsoluteUri', 'a/b', 'False'],
  ['UriEscape', 'a[1] \ud800', 'a[1]%20%EF%BF%BD'],
  ['UriDataEscape', "it's (ok)!*", 'it%27s%20%28ok%29%21%2A'],
  ['VersionPreRelease', '1.2-beta_3', 'beta_3'],
  ['VersionPreReleaseCounter', '1.2-beta_3', '3'],
  ['VersionPatch', '1.2', '0'],
  ['VersionMajor', '', '0'],
  [
    'Markdown',
    '| a |\n|---|\n| b |',
    '<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody><tr>\n<td>b</td>\n</tr>\n</tbody></table>\n\n',
  ],
]

for (const [filter, input, expected] of cases) {
  test(`${filter} of ${JSON.stringify(input)}`, () => {
    assert.equal(evaluate(`#{x | ${filter}}`, new Variables([['x', input]])).text, expected)
  })
}

/** A `#` cannot stand in a quoted option, so formats with it come out of a variable. */
const customFormats: readonly (readonly [string, string, string])[] = [
  ['0000.0#', '12.345', '0012.35'],
  ["'v'#,##0.00", '1234567.891', 'v1,234,567.89'],
  ['(###) ###-####', '8005551234', '(800) 555-1234'],
  ['#,##0.##', '0', '0'],
  ['#.##', '0.5', '.5'],
  ['0,.0', '12345', '12.3'],
  ['##-##', '7', '-7'],
  ['\\#0', '5', '#5'],
]

for (const [format, input, expected] of customFormats) {
  test(`Format by ${format} of ${input}`, () => {
    const variables = new Variables([
      ['x', input],
      ['f', format],
    ])
    assert.equal(evaluate('#{x | Format #{f}}', variables).text, expected)
  })
}

test('NowDate follows the given clock', () => {
  const now = () => new Date(Date.UTC(2024, 2, 9, 10, 20, 30))
  assert.equal(evaluate('#{ | NowDateUtc}', new Variables(), { now }).text, '2024-03-09T10:20:30.0000000Z')
  assert.match(evaluate('#{ | NowDate yyyy}', new Variables(), { now }).text, /^2024$/)
})

test('a regular expression that would take for ever is cut off and its token stays', () => {
  const started = performance.now()
  const variables = new Variables([['x', `${'a'.repeat(60)}!`]])
  assert.equal(evaluate('#{x | Match "^(a+)+$"}', variables).text, '#{x | Match "^(a+)+$"}')
  assert.ok(performance.now() - started < 20_000)
})
