import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TentacleError } from '../errors.ts'
import { flag, list, value } from './option-table.ts'
import { parseOptions } from './parse-options.ts'

const table = {
  port: value('port', ''),
  user: value('u|username|user', ''),
  role: list('r|role', ''),
  force: flag('f|force', ''),
  blank: flag('b|if-blank', ''),
  secret: value('p|password', '', { sensitive: true }),
}

const parse = (...args: string[]) => parseOptions(table, args)

describe('the grammar of the command line', () => {
  for (const args of [
    ['--port=1'],
    ['--port:1'],
    ['--port', '1'],
    ['-port=1'],
    ['-port', '1'],
    ['/port:1'],
    ['/port', '1'],
    ['--PORT=1'],
    ['--', '--port', '1'],
    ['--port=0', '--port=1'],
  ]) {
    test(`a value: ${args.join(' ')}`, () => {
      const parsed = parse(...args)
      assert.equal(parsed.text('port'), '1')
      assert.deepEqual(parsed.leftOver, [])
    })
  }

  for (const arg of ['--force', '-f', '/F', '--force+', '--force-', '--force=no', '-force', '-bf', '-fb']) {
    test(`a flag: ${arg}`, () => assert.ok(parse(arg).has('force')))
  }

  test('bundled flags end where a letter takes a value', () => {
    const parsed = parse('-fbuadmin')
    assert.ok(parsed.has('force') && parsed.has('blank'))
    assert.equal(parsed.text('user'), 'admin')
  })

  test('the next argument is the value, even if it looks like an option', () => {
    const parsed = parse('--port', '--force', '1')
    assert.equal(parsed.text('port'), '--force')
    assert.ok(!parsed.has('force'))
    assert.deepEqual(parsed.leftOver, ['1'])
  })

  test('values keep everything after the first separator', () => {
    assert.equal(parse('--user=a=b:c').text('user'), 'a=b:c')
    assert.equal(parse('--user:http://x').text('user'), 'http://x')
    assert.equal(parse('--user=').text('user'), '')
    assert.equal(parse('--user=a\nb').text('user'), 'a\nb')
  })

  test('lists and occurrences keep the order of the command line', () => {
    const parsed = parse('-r', 'a', '--port', '1', '--role=b')
    assert.deepEqual(parsed.all('role'), ['a', 'b'])
    assert.deepEqual(
      parsed.occurrences.map(({ option }) => option),
      ['role', 'port', 'role'],
    )
  })

  test('what nobody claims is left over, in order', () => {
    assert.deepEqual(parse('x', '--nope=1', '-nope', '/', '-', '', '--port=1', 'y').leftOver, [
      'x',
      '--nope=1',
      '-nope',
      '/',
      '-',
      '',
      'y',
    ])
  })

  test('an option at the end that lacks its value is refused as it was typed', () => {
    assert.throws(() => parse('/Port'), /'\/Port'/)
  })

  test('a letter that is no option is refused inside a bundle', () => {
    assert.throws(() => parse('-fx'), TentacleError)
    assert.deepEqual(parse('-xf').leftOver, ['-xf'])
  })

  for (const text of ['abc', '1.5', '', '0x10', '99999999999', '1e3']) {
    test(`no number: '${text}'`, () =>
      assert.throws(() => parse(`--port=${text}`).integer('port'), TentacleError))
  }

  test('numbers may have blanks and a sign, Booleans any case', () => {
    assert.equal(parse('--port= 10940 ').integer('port'), 10940)
    assert.equal(parse('--port=-1').integer('port'), -1)
    assert.equal(parse('--port=TRUE').boolean('port'), true)
    assert.throws(() => parse('--port=yes').boolean('port'), TentacleError)
    assert.equal(parse().boolean('port'), undefined)
  })

  test('every value given must be good, not only the last', () => {
    assert.throws(() => parse('--port=x', '--port=1').integer('port'), TentacleError)
  })
})

describe('secrets on the command line', () => {
  for (const args of [
    ['--password=hunter2'],
    ['--password', 'hunter2'],
    ['-p:hunter2'],
    ['-phunter2'],
    ['/p', 'hunter2'],
    ['-fphunter2'],
  ]) {
    test(`are blotted out: ${args.join(' ')}`, () => {
      const parsed = parse('--user=me', ...args, 'rest')
      assert.deepEqual(parsed.secrets, ['hunter2'])
      const shown = parsed.masked.join(' ')
      assert.ok(!shown.includes('hunter2'), shown)
      assert.ok(shown.startsWith('--user=me') && shown.endsWith('rest'), shown)
    })
  }

  test('are never shown, however the line is written', () => {
    const argument = fc.oneof(fc.constantFrom('--password', '-p', '--port', '-f', '--', '-r'), fc.string())
    fc.assert(
      fc.property(fc.array(argument), fc.string({ minLength: 8 }), (args, tail) => {
        const secret = `S3CRET${tail}`
        try {
          const parsed = parse(...args, '--password', secret, `--password=${secret}`, '--port=1')
          for (const hidden of parsed.secrets.filter(hidden => hidden === secret)) {
            const uses = parsed.occurrences.filter(
              used => used.value === hidden && used.option !== 'secret',
            ).length
            assert.ok(
              parsed.masked.filter(shown => shown.includes(secret)).length <= uses + parsed.leftOver.length,
            )
          }
        } catch (error) {
          assert.ok(error instanceof TentacleError)
        }
      }),
    )
  })
})

test('every command line is taken apart or refused, and nothing gets lost', () => {
  const argument = fc.oneof(
    fc.constantFrom('--port', '--port=1', '-f', '-bf', '/u', '--', '-rx', '--force+'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(argument), args => {
      try {
        const parsed = parse(...args)
        assert.equal(parsed.masked.length, args.length)
        for (const arg of parsed.leftOver) assert.ok(args.includes(arg))
      } catch (error) {
        assert.ok(error instanceof TentacleError)
        assert.equal(error.code, 'ERR_OPTION_VALUE')
      }
    }),
  )
})
