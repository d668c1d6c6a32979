import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSecretMask } from './secret-mask.ts'

describe('a mask', () => {
  test('hides a secret anywhere in a line, as often as it is there', () => {
    assert.equal(createSecretMask(['s3cret']).apply('x s3cret, s3cret!'), 'x ********, ********!')
  })

  test('deployment 7.6: a secret of 3 characters is not masked, one of 4 is', () => {
    assert.equal(createSecretMask(['abc', 'wxyz']).apply('abc wxyz'), 'abc ********')
  })

  test('takes the longest secret first', () => {
    assert.equal(createSecretMask(['pass', 'password']).apply('password pass'), '******** ********')
  })

  test('tells secrets apart by case and takes nothing in them for a pattern', () => {
    assert.equal(createSecretMask(['a.c+(']).apply('A.C+( abc+( a.c+('), 'A.C+( abc+( ********')
  })

  test('deployment 7.7: hides a secret of several lines when it is printed line by line', () => {
    const mask = createSecretMask(['-----BEGIN-----\r\nMIIEow\n  AAbb==\n-----END-----'])
    const printed = ['-----BEGIN-----', 'MIIEow', 'AAbb==', '-----END-----', 'after']
    assert.deepEqual(
      printed.map(line => mask.apply(line)),
      ['********', '********', '********', '********', 'after'],
    )
  })

  test('learns secrets while it is used', () => {
    const mask = createSecretMask()
    assert.equal(mask.apply('later'), 'later')
    assert.equal(mask.add('later'), true)
    assert.equal(mask.add('later'), false)
    assert.equal(mask.apply('later'), '********')
  })
})
