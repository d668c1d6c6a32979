/**
 * Thousands of services that poll one runtime: memory for each connection, time until all are there, calls to random
 * ones. The services are in another process. One line of JSON for each number of services.
 *
 *   npm run bench -- halibut-many [--calls=5000] [--callers=32] [--first=2000] [--second=10000]
 */
import { fileURLToPath } from 'node:url'
import { type Certificate, createCertificate, createHalibut } from '@tentacle/halibut'
import { BenchService, benchService } from './halibut/contract.ts'
import { OtherProcess, type ServeOrder, serveParent } from './halibut/other-process.ts'
import { option, printTable, quantile, report, rounded } from './report.ts'

const kib = 1024

const subscription = (index: number) => `poll://many-${index}/`

async function open({ own, other, port = 0, count = 0 }: ServeOrder) {
  const halibut = createHalibut({
    certificate: own,
    trust: [other.thumbprint],
    services: [benchService()],
    // All come at once; whoever is refused comes back soon.
    limits: { pollingReconnectMinimumMs: 500, pollingReconnectMaximumMs: 2000 },
  })
  const server = { baseUri: `https://127.0.0.1:${port}`, thumbprint: other.thumbprint }
  for (let index = 0; index < count; index++) halibut.poll({ subscription: subscription(index), server })
  return { port: 0, close: () => halibut.close() }
}

/** Resident memory after the garbage is gone. */
function residentBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage.rss()
}

async function measure(count: number, own: Certificate, other: Certificate): Promise<void> {
  let connected = 0
  let whenAll: () => void = () => {}
  const all = new Promise<void>(resolve => {
    whenAll = resolve
  })
  const halibut = createHalibut({
    certificate: own,
    trust: [other.thumbprint],
    observer: {
      subscriberConnected: () => {
        if (++connected === count) whenAll()
      },
    },
  })
  const listener = await halibut.listen({ port: 0, host: '127.0.0.1' })
  const before = residentBytes()
  const startedAt = performance.now()
  const module = fileURLToPath(import.meta.url)
  const services = await OtherProcess.start(module, {
    mode: 'many',
    own: other,
    other: own,
    port: listener.port,
    count,
  })
  await all
  const connectSeconds = (performance.now() - startedAt) / 1000
  const idleBytes = residentBytes() - before

  const clients = Array.from({ length: count }, (_, index) =>
    halibut.client(BenchService, { baseUri: subscription(index), thumbprint: other.thumbprint }),
  )
  const calls = option('calls', 5000)
  const callers = option('callers', 32)
  const times: number[] = []
  let begun = 0
  const caller = async () => {
    while (begun++ < calls) {
      const client = clients[Math.floor(Math.random() * count)]
      const begin = performance.now()
      await client?.echo('hello')
      times.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  times.length = 0
  begun = 0
  const cpuBefore = await services.cpuTime()
  const callsAt = performance.now()
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - callsAt) / 1000
  const cpu = (await services.cpuTime()) - cpuBefore
  times.sort((a, b) => a - b)
  const perConnection = rounded(idleBytes / count / kib, 1)
  const perSecond = Math.round(times.length / seconds)
  report({
    work: `${count} polling services`,
    mode: 'ours',
    connect_s: rounded(connectSeconds),
    kib_per_connection: perConnection,
    after_calls_kib_per_connection: rounded((residentBytes() - before) / count / kib, 1),
    per_s: perSecond,
    p50_ms: rounded(quantile(times, 0.5), 3),
    p95_ms: rounded(quantile(times, 0.95), 3),
    cpu_us_per_call: Math.round(cpu / times.length),
    summary: `${perConnection} KiB each, ${perSecond} calls/s, connected in ${rounded(connectSeconds, 1)} s`,
  })
  await halibut.close()
  await services.stop()
}

if (process.send) serveParent(open)
else {
  const own = await createCertificate({ commonName: 'server' })
  const other = await createCertificate({ commonName: 'services' })
  for (const count of [option('first', 2000), option('second', 10_000)]) await measure(count, own, other)
  printTable()
}
