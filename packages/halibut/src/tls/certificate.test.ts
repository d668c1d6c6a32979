import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { createCertificate } from './certificate.ts'
import { thumbprintOf } from './thumbprint.ts'

const now = new Date('2026-11-24T22:10:11.123Z')

/** The field names and lengths of a certificate as far as this test looks: one TLV after the other. */
function derInside(der: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let at = 0
  while (at < der.length) {
    let length = der.readUInt8(at + 1)
    let start = at + 2
    if (length >= 0x80) {
      const size = length & 0x7f
      length = der.readUIntBE(start, size)
      start += size
    }
    parts.push(der.subarray(at, start + length))
    at = start + length
  }
  return parts
}

function contents(tlv: Buffer): Buffer {
  const length = tlv.readUInt8(1)
  return tlv.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f))
}

test('a new certificate says what the .NET Tentacle puts into its own', async () => {
  const certificate = await createCertificate({ commonName: 'Octopus Tentacle', now })
  const x509 = new X509Certificate(certificate.certificatePem)
  assert.equal(x509.subject, 'CN=Octopus Tentacle')
  assert.equal(x509.issuer, 'CN=Octopus Tentacle')
  assert.equal(x509.validFromDate.toISOString(), '2026-11-23T00:00:00.000Z')
  assert.equal(x509.validToDate.toISOString(), '2126-11-24T00:00:00.000Z')
  assert.equal(x509.publicKey.asymmetricKeyType, 'rsa')
  assert.deepEqual(x509.publicKey.asymmetricKeyDetails, { modulusLength: 2048, publicExponent: 65_537n })
  assert.equal(x509.signatureAlgorithm, 'sha256WithRSAEncryption')
  assert.ok(x509.verify(x509.publicKey), 'signed by its own key')
  assert.ok(x509.checkPrivateKey(createPrivateKey(certificate.privateKeyPem)))
  assert.equal(certificate.thumbprint, x509.fingerprint.replaceAll(':', ''))
  assert.equal(certificate.thumbprint, thumbprintOf(x509.raw))
})

test('a new certificate is version 3 without extensions, with a positive 64-bit serial number', async () => {
  const { certificatePem } = await createCertificate({ commonName: 'Octopus Tentacle', now })
  const [toBeSigned] = derInside(contents(new X509Certificate(certificatePem).raw))
  assert.ok(toBeSigned)
  const fields = derInside(contents(toBeSigned))
  assert.equal(
    fields.length,
    7,
    'version, serial, algorithm, issuer, validity, subject, key and nothing after it',
  )
  assert.equal(fields[0]?.toString('hex'), 'a003020102')
  const serial = fields[1]
  assert.equal(serial?.subarray(0, 2).toString('hex'), '0208')
  assert.ok(serial !== undefined && serial.readInt8(2) > 0, 'positive without a leading zero')
  // UTF8String, and dates from 2050 on as GeneralizedTime
  assert.equal(
    contents(fields[3] ?? Buffer.alloc(2))
      .toString('latin1')
      .slice(-18),
    '\x0c\x10Octopus Tentacle',
  )
  assert.equal(
    contents(fields[4] ?? Buffer.alloc(2)).toString('latin1'),
    '\x17\x0d261123000000Z\x18\x0f21261124000000Z',
  )
})

test('two certificates never share key, serial number or thumbprint', async () => {
  const [one, two] = await Promise.all([
    createCertificate({ commonName: 'a' }),
    createCertificate({ commonName: 'a' }),
  ])
  assert.notEqual(one.thumbprint, two.thumbprint)
  assert.notEqual(one.privateKeyPem, two.privateKeyPem)
  assert.notEqual(
    new X509Certificate(one.certificatePem).serialNumber,
    new X509Certificate(two.certificatePem).serialNumber,
  )
})

test('a name beyond ASCII and the wanted years are in the certificate', async () => {
  const { certificatePem } = await createCertificate({
    commonName: 'Žluťoučký, Sp. z o.o. 🚀',
    validYears: 3,
    now,
  })
  const x509 = new X509Certificate(certificatePem)
  assert.match(x509.subject, /Žluťoučký\\?, Sp\. z o\.o\. 🚀/)
  assert.equal(x509.validToDate.toISOString(), '2029-11-24T00:00:00.000Z')
})

test('a new certificate serves both ends of a TLS connection', async () => {
  const certificate = await createCertificate({ commonName: 'both ends' })
  const pem = { cert: certificate.certificatePem, key: certificate.privateKeyPem }
  const server = createServer({ ...pem, requestCert: true, rejectUnauthorized: false })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  try {
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const accepted = new Promise<TLSSocket>(done => server.once('secureConnection', done))
    const client = connect({ port: address.port, host: '127.0.0.1', ...pem, rejectUnauthorized: false })
    await new Promise<void>((done, failed) => {
      client.once('secureConnect', done)
      client.once('error', failed)
    })
    const serverSide = await accepted
    assert.equal(thumbprintOf(client.getPeerCertificate().raw), certificate.thumbprint)
    assert.equal(thumbprintOf(serverSide.getPeerCertificate().raw), certificate.thumbprint)
    client.destroy()
    serverSide.destroy()
  } finally {
    await new Promise(done => server.close(done))
  }
})

test('names and years that no certificate can hold are refused', async () => {
  for (const commonName of ['', '   ', 'x'.repeat(65), 'a\nb']) {
    await assert.rejects(createCertificate({ commonName }), { code: 'ERR_INVALID_ARGUMENT' })
  }
  for (const validYears of [0, -1, 1.5, Number.NaN, 1001]) {
    await assert.rejects(createCertificate({ commonName: 'a', validYears }), { code: 'ERR_INVALID_ARGUMENT' })
  }
})
