import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { HalibutError } from '../errors.ts'
import { readPfx } from './pfx.ts'
import { parseThumbprint, thumbprintOf } from './thumbprint.ts'

const agent = readPfx(readFileSync(new URL('../../test/fixtures/pfx/agent.pfx', import.meta.url)))

test('a thumbprint is read from every spelling in which people paste it', () => {
  const wanted = '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'
  for (const spelling of [
    wanted,
    wanted.toLowerCase(),
    '04:FF:59:D5:57:AF:79:DF:82:2C:68:E6:CF:92:5E:4B:91:9A:EB:FB',
    '04 ff 59 d5 57 af 79 df 82 2c 68 e6 cf 92 5e 4b 91 9a eb fb',
    `\u200e${wanted}`, // the Windows certificate dialog puts a direction mark in front
    `  ${wanted}\r\n`,
  ]) {
    assert.equal(parseThumbprint(spelling), wanted)
  }
})

test('what is not a thumbprint is refused with the number of characters seen', () => {
  for (const text of [
    '',
    'banana',
    '04FF',
    'G'.repeat(40),
    '0'.repeat(41),
    '0'.repeat(64),
    'A'.repeat(100_000),
  ]) {
    assert.throws(
      () => parseThumbprint(text),
      (error: unknown) =>
        error instanceof HalibutError &&
        error.code === 'ERR_INVALID_THUMBPRINT' &&
        error.message.length < 400,
    )
  }
  assert.throws(() => parseThumbprint('04FF'), /has 4 characters/)
})

test('any 40 hex digits are a thumbprint, however they are separated', () => {
  const digits = fc.array(fc.constantFrom(...'0123456789abcdefABCDEF'), { minLength: 40, maxLength: 40 })
  const gaps = fc.array(fc.constantFrom('', ' ', ':', '-', '\n'), { minLength: 40, maxLength: 40 })
  fc.assert(
    fc.property(digits, gaps, (hex, between) => {
      const text = hex.map((digit, index) => `${digit}${between[index] ?? ''}`).join('')
      assert.equal(parseThumbprint(text), hex.join('').toUpperCase())
    }),
  )
})

test('the thumbprint of a certificate is the SHA-1 of its DER form, from PEM text as from bytes', () => {
  const der = Buffer.from(agent.certificatePem.replace(/-----[A-Z ]+-----/g, ''), 'base64')
  assert.equal(thumbprintOf(agent.certificatePem), '04FF59D557AF79DF822C68E6CF925E4B919AEBFB')
  assert.equal(thumbprintOf(der), '04FF59D557AF79DF822C68E6CF925E4B919AEBFB')
  assert.equal(thumbprintOf(`a comment\n${agent.privateKeyPem}${agent.certificatePem}`), thumbprintOf(der))
})

test('a peer without a certificate and text without PEM have no thumbprint', () => {
  for (const nothing of [new Uint8Array(), '', 'no PEM here', agent.privateKeyPem]) {
    assert.throws(() => thumbprintOf(nothing), { code: 'ERR_INVALID_CERTIFICATE' })
  }
})
