import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { HalibutError } from '../errors.ts'
import { type Certificate, createCertificate } from './certificate.ts'
import { forge } from './forge.ts'
import { readPfx, writePfx } from './pfx.ts'
import { readPlainPfx } from './pfx-plain.ts'
import { thumbprintOf } from './thumbprint.ts'

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../test/fixtures/pfx/${name}.pfx`, import.meta.url))
}

function assertIsPair(certificate: Certificate): void {
  const x509 = new X509Certificate(certificate.certificatePem)
  assert.ok(
    x509.checkPrivateKey(createPrivateKey(certificate.privateKeyPem)),
    'the key belongs to the certificate',
  )
  assert.equal(certificate.thumbprint, x509.fingerprint.replaceAll(':', ''))
}

function refusedFor(reason: string) {
  return (error: unknown) =>
    error instanceof HalibutError && error.code === 'ERR_INVALID_PFX' && error.details.reason === reason
}

const leaf = '741DEFBB71992C03568418896170EFDBDC9AD08F'

/** File, password, thumbprint. The files were written by OpenSSL, the first one by the .NET Tentacle. */
const readable: readonly [string, string | undefined, string][] = [
  ['dotnet-tentacle', undefined, '05AA3B5A83A7599E46705A5C1637C52ACA9F37A7'],
  ['agent', undefined, '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'],
  ['agent', '', '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'],
  ['agent-password', 'secret1', '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'],
  ['small', undefined, 'CF32AF46AA8F8A082862E8E0DAC5624436BAD5DA'],
  ['rc2-40', 'secret1', leaf],
  ['rc2-40-empty-password', undefined, leaf],
  ['rc2-40-empty-password', '', leaf],
  ['3des-with-issuer', 'secret1', leaf],
  ['aes-unicode-password', 'žluť 🚀', leaf],
  ['aes-no-mac', 'secret1', leaf],
  ['unencrypted-bags', 'secret1', leaf],
]
for (const [file, password, thumbprint] of readable) {
  test(`halibut 14.38: ${file}.pfx opens with ${password === undefined ? 'no password' : `the password '${password}'`}`, () => {
    const certificate = readPfx(fixture(file), password)
    assert.equal(certificate.thumbprint, thumbprint)
    assertIsPair(certificate)
  })
}

test('of several certificates the one of the private key is taken, also when the issuer comes first', () => {
  const certificate = readPfx(fixture('3des-with-issuer'), 'secret1')
  assert.equal(new X509Certificate(certificate.certificatePem).subject, 'CN=Leaf')
  assert.equal(certificate.certificatePem.match(/BEGIN CERTIFICATE/g)?.length, 1)
})

test('a wrong or missing password is called by its name', () => {
  for (const file of ['agent-password', 'rc2-40', '3des-with-issuer', 'aes-no-mac']) {
    assert.throws(() => readPfx(fixture(file), 'wrong'), refusedFor('wrong-password'), file)
    assert.throws(() => readPfx(fixture(file)), refusedFor('wrong-password'), file)
    assert.throws(() => readPfx(fixture(file), ''), refusedFor('wrong-password'), file)
  }
  assert.throws(() => readPfx(fixture('agent'), 'superfluous'), refusedFor('wrong-password'))
  assert.throws(() => readPfx(fixture('agent-password')), /needs a password/)
  assert.throws(
    () => readPfx(fixture('agent-password'), 'hunter2'),
    (error: Error) => !error.message.includes('hunter2'),
  )
})

test('a file that is no PFX is called so, with what it looks like', () => {
  const agent = fixture('agent')
  const certificate = readPfx(agent)
  const refused: readonly [string, Uint8Array, RegExp][] = [
    ['garbage', Buffer.from('this is no certificate\n'), /not a PFX/],
    ['nothing', new Uint8Array(), /empty/],
    ['PEM', Buffer.from(certificate.certificatePem), /PEM text/],
    ['base64', Buffer.from(agent.toString('base64')), /base64/],
    ['a certificate', new X509Certificate(certificate.certificatePem).raw, /another structure/],
    ['half a file', agent.subarray(0, agent.length / 2), /damaged/],
    ['a file with a tail', Buffer.concat([agent, Buffer.from('tail')]), /damaged/],
    ['zeros', new Uint8Array(100), /not a PFX/],
    ['a huge file', Buffer.alloc(5 * 1024 * 1024, 0x30), /limit/],
  ]
  for (const [what, bytes, pattern] of refused) {
    assert.throws(() => readPfx(bytes), refusedFor('not-a-pfx'), what)
    assert.throws(() => readPfx(bytes), pattern, what)
  }
})

test('a PFX without key, without certificate or with an elliptic key says what is missing', () => {
  assert.throws(() => readPfx(fixture('nokey')), refusedFor('no-private-key'))
  assert.throws(() => readPfx(fixture('key-only')), refusedFor('no-certificate'))
  assert.throws(() => readPfx(fixture('elliptic')), refusedFor('not-an-rsa-key'))
  assert.throws(() => readPfx(fixture('elliptic')), /EC.*RSA/)
})

test('an absurd number of key derivation rounds is refused at once instead of computed', () => {
  const bytes = fixture('agent')
  // It ends with the rounds of the MAC, the INTEGER 2048. Make that 2^31 - 1 and lengthen what contains it.
  assert.equal(bytes.subarray(-4).toString('hex'), '02020800')
  const longer = Buffer.concat([bytes.subarray(0, -4), Buffer.from('02047fffffff', 'hex')])
  longer.writeUInt16BE(longer.readUInt16BE(2) + 2, 2)
  const macData = longer.lastIndexOf(Buffer.from('3041', 'hex'))
  assert.ok(macData > 0, 'the MacData sequence of 65 bytes')
  longer.writeUInt8(longer.readUInt8(macData + 1) + 2, macData + 1)
  const begin = performance.now()
  assert.throws(() => readPfx(longer), refusedFor('unsupported'))
  assert.throws(() => readPfx(longer), /2147483647 rounds/)
  assert.ok(performance.now() - begin < 2000)
})

test('what agents store is read without the library, and with the same result as with it', async () => {
  const fresh = await createCertificate({ commonName: 'stored' })
  assert.deepEqual(readPlainPfx(writePfx(fresh)), fresh)
  const original = readPlainPfx(fixture('dotnet-tentacle'))
  assert.ok(original)
  assertIsPair(original)
  assert.deepEqual(readPfx(writePfx(original, 'for the library'), 'for the library'), original)
})

test('the reader of stored files leaves all others, and damaged ones, to the general one', async () => {
  for (const [file] of readable)
    if (file !== 'dotnet-tentacle') assert.equal(readPlainPfx(fixture(file)), undefined, file)
  const own = Buffer.from(writePfx(await createCertificate({ commonName: 'stored' })))
  for (const intact of [fixture('dotnet-tentacle'), own]) {
    const whole = readPlainPfx(intact)
    assert.ok(whole)
    fc.assert(
      fc.property(fc.nat(intact.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(intact)
        bytes.writeUInt8(bytes.readUInt8(at) ^ change, at)
        const read = readPlainPfx(bytes)
        assert.ok(read === undefined || read.thumbprint === whole.thumbprint)
      }),
    )
  }
})

test('what writePfx writes, readPfx reads: the same pair, with and without a password', async () => {
  const certificate = await createCertificate({ commonName: 'round trip' })
  for (const password of [undefined, '', 'secret1', 'žluť 🚀', ' ']) {
    assert.deepEqual(readPfx(writePfx(certificate, password), password), certificate)
  }
  assert.throws(() => readPfx(writePfx(certificate, 'a'), 'b'), refusedFor('wrong-password'))
  assert.deepEqual(readPfx(writePfx(certificate, '')), certificate, 'no password opens an empty one')
})

test('certificates of old peers are read: a SHA-1 signature, a name that is no name', async () => {
  const { privateKeyPem } = await createCertificate({ commonName: 'only its key is used' })
  const { pki, md } = forge()
  const old = pki.createCertificate()
  const key = pki.privateKeyFromPem(privateKeyPem)
  old.publicKey = pki.setRsaPublicKey(key.n, key.e)
  old.validity.notBefore = new Date('2010-01-01T00:00:00Z')
  old.validity.notAfter = new Date('2011-01-01T00:00:00Z')
  const malformed = [{ name: 'countryName', value: 'CN=Halibut Bob' }]
  old.setSubject(malformed)
  old.setIssuer(malformed)
  old.sign(key, md.sha1.create())
  const certificatePem = pki.certificateToPem(old)
  const certificate = { certificatePem, privateKeyPem, thumbprint: thumbprintOf(certificatePem) }
  const read = readPfx(writePfx(certificate))
  assert.equal(read.thumbprint, certificate.thumbprint)
  assertIsPair(read)
})

test('writePfx writes 3DES bags and a SHA-1 MAC with 2000 rounds, which every .NET and Windows reads', async () => {
  const hex = Buffer.from(writePfx(await createCertificate({ commonName: 'form' }), 'x')).toString('hex')
  assert.ok(hex.includes('060a2a864886f70d010c0103'), 'pbeWithSHAAnd3-KeyTripleDES-CBC')
  assert.ok(!hex.includes('06092a864886f70d01050d'), 'no PBES2')
  assert.ok(hex.includes('06052b0e03021a'), 'SHA-1')
  assert.ok(hex.endsWith('020207d0'), '2000 rounds at the end, where the MAC is')
  assert.equal(hex.match(/020207d0/g)?.length, 2)
})

test('no damage to a PFX makes readPfx throw anything but its own error', () => {
  const intact = fixture('dotnet-tentacle')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(intact.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(intact.length),
      fc.boolean(),
      (changes, cut, shorten) => {
        const bytes = Buffer.from(shorten ? intact.subarray(0, cut) : intact)
        for (const [at, value] of changes) if (at < bytes.length) bytes.writeUInt8(value, at)
        try {
          readPfx(bytes)
        } catch (error) {
          assert.ok(error instanceof HalibutError && error.code === 'ERR_INVALID_PFX', String(error))
        }
      },
    ),
    { numRuns: 150 },
  )
})
