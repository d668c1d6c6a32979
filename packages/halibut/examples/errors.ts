/** What can go wrong with a call, what the error says, and what may be done about it. */
import {
  connectionState,
  createCertificate,
  createHalibut,
  defineService,
  HalibutError,
  host,
  isNetworkError,
  isRetryable,
  method,
  types,
} from '@tentacle/halibut'

const Orders = defineService('IOrders', {
  place: method([types.text], types.text),
  wait: method([], 'void'),
})
// #region abort-in-service
const orders = host(Orders, {
  place: item => {
    throw new RangeError(`There is no more ${item}.`)
  },
  // The signal aborts when the caller is gone, so that nothing works for nobody.
  wait: ({ signal }) => new Promise(resolve => signal.addEventListener('abort', () => resolve())),
})
// #endregion

const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [orders],
})
const caller = createHalibut({ certificate: await createCertificate({ commonName: 'caller' }) })
service.trust.add(caller.certificate.thumbprint)
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
const endpoint = { baseUri: `https://127.0.0.1:${port}/`, thumbprint: service.certificate.thumbprint }
const remote = caller.client(Orders, endpoint)

// #region report
function report(what: string, error: unknown) {
  if (!(error instanceof HalibutError)) throw error
  console.log(`${what}: ${error.code}, ${connectionState(error)}`)
  if (error.details.remoteMessage) console.log(`  the service said: ${error.details.remoteMessage}`)
  if (isNetworkError(error)) console.log('  the network failed, not the service')
  if (isRetryable(error)) console.log('  worth another try')
}
// #endregion

await remote.place('tea').catch(error => report('The method threw', error))

// #region cancel
const abort = new AbortController()
const waiting = remote.wait({ signal: abort.signal })
setTimeout(() => abort.abort(), 200)
await waiting.catch(error => report('Cancelled while it ran', error))
await remote.wait({ timeoutMs: 200 }).catch(error => report('Too slow', error))
// #endregion

// #region retry
/** Repeats a call that is safe to repeat; one that is not may be repeated only in the state `connecting`. */
async function withRetries<T>(attempts: number, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error
    }
  }
}
// #endregion

await service.close()
// Connecting is tried again by itself: here twice, in the usual case five times a second apart.
const impatient = caller.client(Orders, {
  ...endpoint,
  retryCountLimit: 2,
  retryListeningSleepIntervalMs: 50,
})
await withRetries(3, () => impatient.place('tea')).catch(error => report('The service is away', error))

await caller.close()

/* Prints:
The method threw: ERR_SERVICE_INVOCATION, unknown
  the service said: There is no more tea.
Cancelled while it ran: ERR_CANCELLED_TRANSFERRING, unknown
Too slow: ERR_TIMEOUT, unknown
  the network failed, not the service
  worth another try
The service is away: ERR_CONNECT, connecting
  the network failed, not the service
  worth another try
*/
