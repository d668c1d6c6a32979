/** A process with services behind proxies that damage connections at random. Started by the soak, which it obeys. */
import { readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { createHalibut, DataStream, type Halibut, host, parseThumbprint } from '@tentacle/halibut'
import { type FaultProxy, openFaultProxy, type ProxiedConnection } from '@tentacle/testkit'
import { digest, pattern, SoakService, soakLimits } from './contract.ts'
import { leftOpen } from './left-open.ts'
import { sampleMemory } from './memory.ts'
import type { FromWorker, ToWorker, WorkerOrder } from './messages.ts'
import { Random, randomPlan } from './random.ts'

/** How many subscriptions share a runtime. */
const subscriptionsPerRuntime = 25
/** Their first connections do not come all at once. */
const pauseBetweenRuntimesMs = 300

const startedAt = performance.now()
const runtimes: Halibut[] = []
const proxies: FaultProxy[] = []
/** Connections whose fault has not been counted. */
const watched = new Set<ProxiedConnection>()
let struck = 0
let isHealed = false

/** Calls that began and were not told yet. */
let ran: number[] = []
const telling = setInterval(tell, 100)

function say(message: FromWorker): void {
  if (process.connected) process.send?.(message)
}

function tell(): void {
  if (ran.length > 0) say({ kind: 'ran', ids: ran })
  ran = []
}

const service = host(SoakService, {
  echo: async (id, text, waitMs) => {
    ran.push(id)
    if (waitMs > 0) await delay(waitMs)
    return text
  },
  take: async (id, stream) => {
    ran.push(id)
    return digest(await stream.bytes())
  },
  give: (id, length) => {
    ran.push(id)
    return DataStream.fromBytes(pattern.subarray(0, length))
  },
})

function runtime({ own, clientThumbprint, temporaryFolder }: WorkerOrder): Halibut {
  const made = createHalibut({
    certificate: own,
    trust: [parseThumbprint(clientThumbprint)],
    services: [service],
    limits: soakLimits,
    temporaryFolder,
  })
  runtimes.push(made)
  return made
}

async function proxyTo(port: number, random: Random): Promise<FaultProxy> {
  const proxy = await openFaultProxy({
    to: { port },
    plan: () => (isHealed ? {} : randomPlan(random)),
    onConnection: connection => watched.add(connection),
  })
  proxies.push(proxy)
  return proxy
}

async function start(order: WorkerOrder): Promise<void> {
  const random = new Random(order.seed)
  const ports: number[] = []
  for (let n = 0; n < order.listening; n++) {
    const { port } = await runtime(order).listen({ port: 0, host: '127.0.0.1' })
    ports.push((await proxyTo(port, random)).port)
  }
  const toClient = await proxyTo(order.clientPort, random)
  const server = {
    baseUri: `https://127.0.0.1:${toClient.port}`,
    thumbprint: parseThumbprint(order.clientThumbprint),
  }
  say({ kind: 'started', ports })
  for (let at = 0; at < order.subscriptions.length; at += subscriptionsPerRuntime) {
    const poller = runtime(order)
    for (const subscription of order.subscriptions.slice(at, at + subscriptionsPerRuntime))
      poller.poll({ subscription, server })
    await delay(pauseBetweenRuntimesMs)
  }
}

function sample(): void {
  for (const connection of watched) {
    if (connection.up.hasStruck || connection.down.hasStruck) struck++
    else if (connection.isOpen) continue
    watched.delete(connection)
  }
  const connections = proxies.reduce((sum, proxy) => sum + proxy.connections, 0)
  say({ kind: 'sampled', memory: sampleMemory(startedAt), connections, struck })
}

function heal(): void {
  isHealed = true
  for (const proxy of proxies) proxy.reset()
  say({ kind: 'healed' })
}

let stopping: Promise<void> | undefined

function stop(): Promise<void> {
  stopping ??= closeAll()
  return stopping
}

async function closeAll(): Promise<void> {
  await Promise.all(runtimes.map(each => each.close()))
  await Promise.all(proxies.map(proxy => proxy.close()))
  clearInterval(telling)
  tell()
  const left = [...(await leftOpen()), ...(await readdir(temporaryFolder).catch(() => []))]
  say({ kind: 'stopped', left })
  if (process.connected) process.disconnect()
}

let temporaryFolder = ''

process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'start':
      temporaryFolder = message.order.temporaryFolder
      void start(message.order)
      break
    case 'sample':
      sample()
      break
    case 'heal':
      heal()
      break
    case 'stop':
      void stop()
  }
})

// Without the process that gives the orders nothing is left to do.
if (process.connected) process.once('disconnect', () => void stop())
else void stop()
