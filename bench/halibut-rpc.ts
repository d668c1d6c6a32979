/**
 * Calls per second and MiB per second of the Halibut library, two processes over loopback, beside bare TLS in the
 * same run. One JSON line per measurement.
 *
 *   npm run bench -- halibut-rpc [--calls=5000] [--mib=256]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import {
  type Certificate,
  createCertificate,
  createHalibut,
  DataStream,
  defineService,
  host,
  method,
  type ServiceClient,
  types,
} from '@tentacle/halibut'

const BenchService = defineService('IBenchService', {
  echo: method([types.text], types.text),
  count: method([types.dataStream], types.count),
  countLive: method([types.dataStream], types.count),
  download: method([types.count], types.dataStream),
})

const mib = 1024 * 1024
const piece = Buffer.alloc(64 * 1024, 'halibut ')

function streamOf(length: number): DataStream {
  return DataStream.from(length, async function* () {
    for (let sent = 0; sent < length; sent += piece.length)
      yield piece.subarray(0, Math.min(piece.length, length - sent))
  })
}

async function count(stream: DataStream): Promise<number> {
  let sum = 0
  for await (const part of stream.read()) sum += part.length
  return sum
}

interface ServeOrder {
  readonly mode: 'listening' | 'polling' | 'bare'
  readonly own: Certificate
  readonly other: Certificate
  readonly port?: number
}

/** What the other process has opened. */
const closers: (() => Promise<void>)[] = []

/** The other process: it serves one mode until its parent goes away. */
async function serve({ mode, own, other, port = 0 }: ServeOrder): Promise<number> {
  if (mode === 'bare') return serveBare(own)
  const halibut = createHalibut({
    certificate: own,
    trust: [other.thumbprint],
    services: [
      host(
        BenchService,
        { echo: text => text, count, countLive: count, download: streamOf },
        { liveStreams: ['countLive'] },
      ),
    ],
  })
  closers.push(() => halibut.close())
  if (mode === 'listening') return (await halibut.listen({ port: 0, host: '127.0.0.1' })).port
  const server = { baseUri: `https://127.0.0.1:${port}`, thumbprint: other.thumbprint }
  halibut.poll({ subscription: 'poll://bench/', server, connections: 32 })
  return 0
}

/** Bare TLS: the first byte says which way the bytes go, four more how many MiB. */
async function serveBare({ certificatePem, privateKeyPem }: Certificate): Promise<number> {
  const server = createServer({ cert: certificatePem, key: privateKeyPem, noDelay: true }, socket => {
    socket.once('data', (order: Buffer) => {
      const length = order.readUInt32LE(1) * mib
      if (order[0] === 0) void swallow(socket, length - (order.length - 5)).then(() => socket.end('.'))
      else void pour(socket, length)
    })
  })
  server.listen(0, '127.0.0.1')
  closers.push(async () => void server.close())
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

function swallow(socket: TLSSocket, length: number): Promise<void> {
  let remaining = length
  return new Promise(resolve => {
    socket.on('data', part => {
      remaining -= part.length
      if (remaining <= 0) resolve()
    })
  })
}

async function pour(socket: TLSSocket, length: number): Promise<void> {
  for (let sent = 0; sent < length; sent += piece.length) {
    if (!socket.write(piece)) await once(socket, 'drain')
  }
}

/** Processor time of both processes so far, in microseconds. */
async function cpuTime(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [theirs] = (await once(child, 'message')) as [number]
  const { user, system } = process.cpuUsage()
  return theirs + user + system
}

async function startServer(order: ServeOrder): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.send(order)
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

function report(values: Readonly<Record<string, string | number>>): void {
  process.stdout.write(`${JSON.stringify(values)}\n`)
}

const rounded = (value: number, digits = 2) => Number(value.toFixed(digits))

interface Target {
  readonly mode: string
  readonly child: ChildProcess
  readonly call: ServiceClient<typeof BenchService>
}

async function measureCalls(
  { mode, child, call }: Target,
  calls: number,
  concurrency: number,
): Promise<void> {
  const times: number[] = []
  const cpuBefore = await cpuTime(child)
  const startedAt = performance.now()
  const caller = async () => {
    while (times.length < calls) {
      const begin = performance.now()
      await call.echo('hello')
      times.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  const seconds = (performance.now() - startedAt) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number) => rounded(times[Math.floor(times.length * share)] ?? 0, 3)
  const cpu = (await cpuTime(child)) - cpuBefore
  report({
    what: 'calls',
    mode,
    concurrency,
    per_s: Math.round(times.length / seconds),
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    cpu_us_per_call: Math.round(cpu / times.length),
  })
}

async function measureStreams({ mode, child, call }: Target, size: number): Promise<void> {
  await timed('upload', mode, child, size, async () => {
    await call.count(streamOf(size * mib))
  })
  await timed('download', mode, child, size, async () => {
    const stream = await call.download(size * mib)
    await count(stream)
  })
  await timed('upload live', mode, child, size, async () => {
    await call.countLive(streamOf(size * mib))
  })
  await timed('download live', mode, child, size, async () => {
    await call.download(size * mib, { receiveStream: count })
  })
}

async function measureBare(
  { child, port }: { child: ChildProcess; port: number },
  size: number,
): Promise<void> {
  for (const [index, what] of ['upload', 'download'].entries()) {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    await timed(what, 'bare TLS', child, size, async () => {
      const order = Buffer.alloc(5)
      order[0] = index
      order.writeUInt32LE(size, 1)
      socket.write(order)
      if (index === 1) return swallow(socket, size * mib)
      await pour(socket, size * mib)
      await once(socket, 'data')
    })
    socket.destroy()
  }
}

/** Runs work that moves `size` MiB, and reports it. */
async function timed(
  what: string,
  mode: string,
  child: ChildProcess,
  size: number,
  work: () => Promise<void>,
): Promise<void> {
  const cpuBefore = await cpuTime(child)
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1000
  const cpuMs = ((await cpuTime(child)) - cpuBefore) / 1000
  report({ what, mode, mib_per_s: Math.round(size / seconds), cpu_ms_per_mib: rounded(cpuMs / size) })
}

function option(name: string, fallback: number): number {
  const text = process.argv.find(argument => argument.startsWith(`--${name}=`))
  return text === undefined ? fallback : Number(text.slice(name.length + 3))
}

async function main(): Promise<void> {
  const calls = option('calls', 5000)
  const size = option('mib', 256)
  const own = await createCertificate({ commonName: 'caller' })
  const other = await createCertificate({ commonName: 'service' })

  const bare = await startServer({ mode: 'bare', own: other, other: own })
  await measureBare(bare, size)
  bare.child.disconnect()

  for (const mode of ['listening', 'polling'] as const) {
    const halibut = createHalibut({ certificate: own, trust: [other.thumbprint] })
    const listener = await halibut.listen({ port: 0, host: '127.0.0.1' })
    const { child, port } = await startServer({ mode, own: other, other: own, port: listener.port })
    const baseUri = mode === 'listening' ? `https://127.0.0.1:${port}` : 'poll://bench/'
    const call = halibut.client(BenchService, { baseUri, thumbprint: other.thumbprint })
    await measureCalls({ mode: `${mode} (warm-up)`, child, call }, Math.min(calls, 2000), 4)
    await measureCalls({ mode, child, call }, calls, 1)
    await measureCalls({ mode, child, call }, calls * 2, 32)
    await measureStreams({ mode, child, call }, size)
    await halibut.close()
    child.disconnect()
  }
}

if (process.send) {
  process.on('message', (order: ServeOrder | 'cpu') => {
    const { user, system } = process.cpuUsage()
    if (order === 'cpu') process.send?.(user + system)
    else void serve(order).then(port => process.send?.(port))
  })
  process.once('disconnect', () => void Promise.all(closers.map(close => close())))
} else {
  await main()
}
