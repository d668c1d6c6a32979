/** Trust is a list of thumbprints that may change at any time. */
import {
  createCertificate,
  createHalibut,
  defineService,
  HalibutError,
  host,
  method,
  parseThumbprint,
  types,
  type UnauthorizedPeer,
} from '@tentacle/halibut'

const Clock = defineService('IClock', { year: method([], types.text) })
const callerCertificate = await createCertificate({ commonName: 'caller' })

// #region service
const strangers: UnauthorizedPeer[] = []
const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [host(Clock, { year: () => '2026' })],
  // Called with everybody who is not trusted. 'trust' would let in and remember whoever comes.
  onUnauthorizedConnect: who => {
    strangers.push(who)
    return 'block'
  },
})
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
// #endregion

const caller = createHalibut({ certificate: callerCertificate })
const address = `https://127.0.0.1:${port}/`

// #region discover
// Discovery asks whoever answers. Compare with what the other side's administrator tells you.
const shown = await caller.discover(address)
const expected = parseThumbprint(service.certificate.thumbprint.replace(/(..)(?=.)/g, '$1:').toLowerCase())
console.log(`The listener shows the expected certificate: ${shown === expected}`)
// #endregion

const clock = caller.client(Clock, { baseUri: address, thumbprint: expected, retryCountLimit: 1 })

async function ask(when: string) {
  const answer = await clock.year().catch(error => (error instanceof HalibutError ? error.code : 'ERROR'))
  console.log(`${when}: ${answer}`)
}

await ask('Unknown')
console.log(`The stranger was our caller: ${strangers[0]?.thumbprint === callerCertificate.thumbprint}`)

// #region change
service.trust.add(callerCertificate.thumbprint)
await ask('Trusted')
service.trust.remove(callerCertificate.thumbprint) // Cuts its connections at once.
await ask('Not any more')
// #endregion

// #region expected-server
const wrong = parseThumbprint('0123456789 ABCDEF 01234567 89ABCDEF 01234567')
const another = caller.client(Clock, { baseUri: address, thumbprint: wrong })
await another.year().catch(error => console.log(`Another server than expected: ${error.code}`))
// #endregion

await Promise.all([caller.close(), service.close()])

/* Prints:
The listener shows the expected certificate: true
Unknown: ERR_CONNECTION_LOST
The stranger was our caller: true
Trusted: 2026
Not any more: ERR_CONNECTION_LOST
Another server than expected: ERR_UNTRUSTED_PEER
*/
