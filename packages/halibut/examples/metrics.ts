/** An observer that counts connections, calls and bytes, as a metrics endpoint would show them. */
import {
  createCertificate,
  createHalibut,
  DataStream,
  defineService,
  type HalibutObserver,
  host,
  method,
  types,
} from '@tentacle/halibut'

// #region observer
class Metrics implements HalibutObserver {
  openConnections = 0
  connections = 0
  calls = 0
  failedCalls = 0
  readBytes = 0
  writtenBytes = 0
  readonly durationsMs: number[] = []

  connectionOpened(): void {
    this.connections++
    this.openConnections++
  }

  connectionClosed(_: unknown, totals: { readBytes: number; writtenBytes: number }): void {
    this.openConnections--
    this.readBytes += totals.readBytes
    this.writtenBytes += totals.writtenBytes
  }

  callFinished(_: unknown, { durationMs, error }: { durationMs: number; error?: unknown }): void {
    this.calls++
    if (error !== undefined) this.failedCalls++
    this.durationsMs.push(durationMs)
  }
}
// #endregion

const Numbers = defineService('INumbers', {
  square: method([types.double], types.double),
  size: method([types.dataStream], types.count),
  fail: method([], 'void'),
})
const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [
    host(Numbers, {
      square: x => x * x,
      size: async stream => (await stream.bytes()).length,
      fail: () => Promise.reject(new Error('as asked for')),
    }),
  ],
})
// #region use
const metrics = new Metrics()
const caller = createHalibut({
  certificate: await createCertificate({ commonName: 'caller' }),
  observer: metrics,
})
// #endregion
service.trust.add(caller.certificate.thumbprint)
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
const remote = caller.client(Numbers, {
  baseUri: `https://127.0.0.1:${port}/`,
  thumbprint: service.certificate.thumbprint,
})

for (let i = 0; i < 10; i++) await remote.square(i)
await remote.size(DataStream.fromBytes(Buffer.alloc(1_000_000)))
await remote.fail().catch(() => {})
console.log(`open connections: ${metrics.openConnections} of ${metrics.connections}`)
await caller.close()

console.log(`calls: ${metrics.calls}, of which failed: ${metrics.failedCalls}`)
console.log(`durations measured: ${metrics.durationsMs.filter(ms => ms > 0).length}`)
console.log(`open connections: ${metrics.openConnections} of ${metrics.connections}`)
console.log(`more than a million bytes written: ${metrics.writtenBytes > 1_000_000}`)
console.log(`fewer than 100,000 read: ${metrics.readBytes < 100_000}`)
await service.close()

/* Prints:
open connections: 1 of 1
calls: 12, of which failed: 1
durations measured: 12
open connections: 0 of 1
more than a million bytes written: true
fewer than 100,000 read: true
*/
