import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { readPfx, writePfx } from '../../../src/tls/pfx.ts'
import { attempt, type FuzzTarget, type Mutator } from '../target.ts'

const passwords = [undefined, '', 'secret1', 'žluť 🚀'] as const

/** The first byte chooses the password. */
function withPassword(index: number, file: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(index), file])
}

function fixtures(): Buffer[] {
  const folder = new URL('../../fixtures/pfx/', import.meta.url)
  return readdirSync(folder)
    .sort()
    .flatMap(name => {
      const bytes = readFileSync(new URL(name, folder))
      return [withPassword(name.includes('password') || !name.startsWith('a') ? 2 : 0, bytes)]
    })
}

/** Sets a tag or a length of the DER structure, at a place where one may be. */
const editStructure: Mutator = (input, random) => {
  const places: number[] = []
  for (const [at, byte] of input.entries())
    if ([0x02, 0x04, 0x06, 0x30, 0x31, 0xa0].includes(byte)) places.push(at)
  if (places.length === 0) return input
  const result = Uint8Array.from(input)
  const at = random.pick(places) + random.below(3)
  if (at < result.length)
    result[at] = random.pick([
      0x00, 0x01, 0x02, 0x04, 0x06, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xff,
    ])
  return result
}

/** Takes the checksum of the container away, so that what follows it is read. */
const dropMac: Mutator = input => {
  const der = Buffer.from(input.subarray(1))
  if (der[0] !== 0x30 || der[1] !== 0x82 || der.length < 12) return input
  // SEQUENCE { version, content, mac }: the version is three bytes long, the content has a length of two.
  const contentEnd = 4 + 3 + 4 + der.readUInt16BE(9)
  if (der[7] !== 0x30 || der[8] !== 0x82 || contentEnd > der.length) return input
  const shorter = Buffer.from(der.subarray(0, contentEnd))
  shorter.writeUInt16BE(contentEnd - 4, 2)
  return withPassword(input[0] ?? 0, shorter)
}

/**
 * Up to a million rounds of key derivation are good, and take seconds that find nothing. Whether more are refused is
 * tested beside the reader.
 */
function asksForManyRounds(input: Uint8Array): boolean {
  const bytes = Buffer.from(input)
  for (let at = bytes.indexOf('0203', 0, 'hex'); at >= 0; at = bytes.indexOf('0203', at + 1, 'hex')) {
    const value = at + 5 <= bytes.length ? bytes.readUIntBE(at + 2, 3) : 0
    if (value > 30_000 && value <= 1_000_000) return true
  }
  return false
}

const choosePassword: Mutator = (input, random) =>
  withPassword(random.below(passwords.length), input.subarray(1))

export const pfx: FuzzTarget = {
  name: 'pfx',
  about: 'PFX files of every age, with and without a checksum',
  testInputs: 40,
  maximumBytes: 64 * 1024,
  seeds: fixtures,
  mutators: [editStructure, editStructure, editStructure, dropMac, choosePassword],
  async run(input) {
    if (asksForManyRounds(input)) return 'refused'
    const password = passwords[(input[0] ?? 0) % passwords.length]
    const certificate = await attempt(['ERR_INVALID_PFX'], () => readPfx(input.subarray(1), password))
    if (!certificate) return 'refused'
    assert.match(certificate.value.thumbprint, /^[0-9A-F]{40}$/)
    const again = await attempt(['ERR_INVALID_PFX'], () => readPfx(writePfx(certificate.value, 'x'), 'x'))
    assert.equal(again?.value.thumbprint, certificate.value.thumbprint)
    return 'accepted'
  },
}
