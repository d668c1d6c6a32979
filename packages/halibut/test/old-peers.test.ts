import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { connect, DEFAULT_CIPHERS, type TLSSocket } from 'node:tls'
import forge from 'node-forge'
import {
  type Certificate,
  type ConnectionInfo,
  HalibutError,
  type HalibutOptions,
  isRetryable,
  thumbprintOf,
} from '../src/index.ts'
import { dialRaw, listenRaw, type RawPeer, serveByHand } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, TestServiceControl, until } from './runtimes.ts'

type Digest = 'sha1' | 'md5' | 'sha256'

/** What old programs put into their certificates. */
interface Oddity {
  readonly digest: Digest
  readonly bits: number
  readonly isDated?: boolean
  readonly name: readonly { readonly name: string; readonly value: string }[]
  readonly extensions?: readonly object[]
}

const oddities: Readonly<Record<string, Oddity>> = {
  'SHA-1 and 2048 bits': { digest: 'sha1', bits: 2048, name: [{ name: 'commonName', value: 'Old' }] },
  'SHA-1, 1024 bits, a name that is no country, and dates long ago': {
    digest: 'sha1',
    bits: 1024,
    isDated: true,
    name: [{ name: 'countryName', value: 'CN=Halibut Bob' }],
  },
  'MD5 and 1024 bits': { digest: 'md5', bits: 1024, name: [{ name: 'commonName', value: 'Older' }] },
  'no name at all': { digest: 'sha1', bits: 1024, name: [] },
  'a critical extension that is for authorities': {
    digest: 'sha256',
    bits: 2048,
    name: [{ name: 'commonName', value: 'Odd' }],
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  },
}

function oddCertificate({ digest, bits, isDated = false, name, extensions = [] }: Oddity): Certificate {
  const keys = forge.pki.rsa.generateKeyPair(bits)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = keys.publicKey
  certificate.serialNumber = '01'
  certificate.validity.notBefore = new Date(Date.UTC(2010, 0))
  certificate.validity.notAfter = new Date(Date.UTC(isDated ? 2012 : 2110, 0))
  certificate.setSubject([...name])
  certificate.setIssuer([...name])
  certificate.setExtensions([...extensions])
  certificate.sign(keys.privateKey, forge.md[digest].create())
  const certificatePem = forge.pki.certificateToPem(certificate)
  return {
    certificatePem,
    privateKeyPem: forge.pki.privateKeyToPem(keys.privateKey),
    thumbprint: thumbprintOf(certificatePem),
  }
}

for (const [what, oddity] of Object.entries(oddities)) {
  test(`halibut 14.36: certificates with ${what} work for whole calls in every role`, async t => {
    const odd = oddCertificate(oddity)
    const other = await certificateFor('client')
    const control = new TestServiceControl()
    const old = await runtime(t, 'old', {
      certificate: odd,
      services: [control.hosted],
      trust: [other.thumbprint],
    })
    const modern = await runtime(t, 'client', { trust: [odd.thumbprint], services: [control.hosted] })
    const oldAddress = `https://127.0.0.1:${(await old.listen({ port: 0, host: '127.0.0.1' })).port}`
    const address = `https://127.0.0.1:${(await modern.listen({ port: 0, host: '127.0.0.1' })).port}`
    const oldEndpoint = { baseUri: oldAddress, thumbprint: odd.thumbprint }
    const endpoint = { baseUri: address, thumbprint: other.thumbprint }

    assert.equal(await modern.client(TestService, oldEndpoint).sayHello('listens'), 'listens...')
    assert.equal(await old.client(TestService, endpoint).sayHello('calls'), 'calls...')
    old.poll({ subscription: 'poll://old/', server: endpoint })
    const polled = modern.client(TestService, { baseUri: 'poll://old/', thumbprint: odd.thumbprint })
    assert.equal(await polled.sayHello('polls'), 'polls...')
    modern.poll({ subscription: 'poll://modern/', server: oldEndpoint })
    assert.equal(await old.client(TestService, { baseUri: 'poll://modern/' }).sayHello('polled'), 'polled...')
  })
}

/** Dials with one version of TLS only, and says what came of it. */
async function dialWith(
  t: TestContext,
  port: number,
  version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3',
): Promise<{ socket: TLSSocket; outcome: string | null }> {
  const { certificatePem: cert, privateKeyPem: key } = await certificateFor('client')
  const socket = connect({
    port,
    host: '127.0.0.1',
    minVersion: version,
    maxVersion: version,
    ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0`,
    rejectUnauthorized: false,
    cert,
    key,
  })
  t.after(() => socket.destroy())
  const outcome = await Promise.race([
    once(socket, 'secureConnect').then(() => socket.getProtocol()),
    new Promise<string>(resolve => socket.once('error', () => resolve('refused'))),
  ])
  return { socket, outcome }
}

test('halibut 13.24: TLS 1.3 is spoken where both can, 1.2 with peers that know no other', async t => {
  const versions: (string | undefined)[] = []
  const observer = { connectionOpened: (info: ConnectionInfo) => void versions.push(info.tlsVersion) }
  const { port, call } = await pair(t, 'listening', { service: { observer } })
  await call.sayHello('x')
  assert.equal((await dialWith(t, port, 'TLSv1.2')).outcome, 'TLSv1.2')
  await until(() => versions.length === 2, 'two connections')
  assert.deepEqual(versions, ['TLSv1.3', 'TLSv1.2'])
})

test('halibut 13.24: a service that knows TLS 1.2 only is called', async t => {
  const service = await certificateFor('service')
  const versions: (string | undefined)[] = []
  const observer = { connectionOpened: (info: ConnectionInfo) => void versions.push(info.tlsVersion) }
  const listener = await listenRaw(t, service, peer => serveByHand(peer, () => 'old'), {
    maxVersion: 'TLSv1.2',
  })
  const client = await runtime(t, 'client', { observer })
  const endpoint = { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint: service.thumbprint }
  assert.equal(await client.client(TestService, endpoint).sayHello('a'), 'old')
  assert.deepEqual(versions, ['TLSv1.2'])
})

test('halibut 14.37: TLS 1.0 and 1.1 are refused in both roles unless they are switched on, and then serve whole calls', async t => {
  const service = await certificateFor('service')
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const usual = await pair(t, 'listening')
    assert.equal((await dialWith(t, usual.port, version)).outcome, 'refused')
    const switchedOn: Partial<HalibutOptions> = { minimumTlsVersion: version }
    const lenient = await pair(t, 'listening', { service: switchedOn })
    assert.equal((await dialWith(t, lenient.port, version)).outcome, version)
    // Whoever can do better still does.
    assert.equal((await dialWith(t, lenient.port, 'TLSv1.3')).outcome, 'TLSv1.3')

    const old = await listenRaw(t, service, peer => serveByHand(peer, () => `over ${version}`), {
      minVersion: version,
      maxVersion: version,
      ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0`,
    })
    const endpoint = {
      baseUri: `https://127.0.0.1:${old.port}`,
      thumbprint: service.thumbprint,
      retryCountLimit: 1,
    }
    await failure(usual.client.client(TestService, endpoint).sayHello('a'), 'ERR_CONNECT')
    const client = await runtime(t, 'client', switchedOn)
    assert.equal(await client.client(TestService, endpoint).sayHello('a'), `over ${version}`)
    assert.equal(await client.discover(endpoint.baseUri), service.thumbprint)
  }
})

test('halibut 14.33: a stranger is told the same under TLS 1.2 and 1.3, whenever it notices', async t => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const service = await certificateFor('service')
    const refusals: readonly (readonly [string, boolean])[] = [
      ['end', true],
      ['destroy', true],
      ['destroy', false],
    ]
    for (const [how, isAfterPreamble] of refusals) {
      const refuse = async (peer: RawPeer) => {
        peer.socket.on('error', () => {})
        if (isAfterPreamble) await peer.lines('MX', '')
        if (how === 'end') peer.socket.end()
        else peer.socket.destroy()
      }
      const listener = await listenRaw(t, service, refuse, { maxVersion: version })
      const client = await runtime(t, 'stranger', { limits: { retryCountLimit: 1 } })
      const endpoint = { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint: service.thumbprint }
      for (let i = 0; i < 5; i++) {
        const thrown = await client
          .client(TestService, endpoint)
          .sayHello('x')
          .catch((error: unknown) => error)
        assert.ok(thrown instanceof HalibutError)
        // Cut within the handshake, which only an impatient listener does, it is a failed connection; else a lost one.
        assert.match(thrown.code, isAfterPreamble ? /^ERR_CONNECTION_LOST$/ : /^ERR_CONNECT(ION_LOST)?$/)
        assert.deepEqual([thrown.details.connectionState, isRetryable(thrown)], ['connecting', true])
      }
    }
  }
})

test('halibut 14.34: a resumed session is held to the same trust as a new one, and cut when trust ends', async t => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { port, service, client, control } = await pair(t, 'listening')
    const { certificatePem: cert, privateKeyPem: key } = client.certificate
    const settings = {
      port,
      host: '127.0.0.1',
      maxVersion: version,
      rejectUnauthorized: false,
      cert,
      key,
    } as const
    const first = connect(settings)
    t.after(() => first.destroy())
    const [session] = (await once(first, 'session')) as [Buffer]
    const resumed = connect({ ...settings, session })
    t.after(() => resumed.destroy())
    await once(resumed, 'secureConnect')
    assert.ok(resumed.isSessionReused())
    resumed.on('error', () => {}).write('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
    const [answer] = (await once(resumed, 'data')) as [Buffer]
    assert.equal(answer.toString(), 'MX-SERVER 1.0\r\n\r\n')
    service.trust.only([])
    await once(resumed, 'close')
    const refused = connect({ ...settings, session })
    t.after(() => refused.destroy())
    refused.on('error', () => {}).write('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
    let bytes = 0
    refused.on('data', chunk => {
      bytes += chunk.length
    })
    await once(refused, 'close')
    assert.equal(bytes, 0)
    assert.deepEqual(control.calls, [])
  }
})

test('halibut 14.35: names are indicated to servers, addresses are not', async t => {
  const service = await certificateFor('service')
  const names: unknown[] = []
  const listener = await listenRaw(t, service, async peer => {
    names.push(peer.socket.servername)
    await serveByHand(peer, () => 'ok')
  })
  const client = await runtime(t, 'client')
  for (const host of ['127.0.0.1', 'LocalHost']) {
    const endpoint = { baseUri: `https://${host}:${listener.port}`, thumbprint: service.thumbprint }
    assert.equal(await client.client(TestService, endpoint).sayHello('a'), 'ok')
  }
  assert.deepEqual(names, [false, 'localhost'])
  const warnings: string[] = []
  const warned = (warning: Error) => void warnings.push(warning.message)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const six = {
    baseUri: `https://[::1]:${listener.port}`,
    thumbprint: service.thumbprint,
    retryCountLimit: 1,
  }
  await assert.rejects(client.client(TestService, six).sayHello('a'))
  await new Promise(setImmediate)
  assert.deepEqual(warnings, [])
  await dialRaw(t, listener.port)
})
