import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FaultPlan, openFaultProxy, type ProxiedConnection, until } from '@tentacle/testkit'
import {
  createHalibut,
  DataStream,
  defineService,
  type Halibut,
  type HalibutLimits,
  type HalibutObserver,
  host,
  method,
  type ServiceClient,
  type ServiceEndPoint,
  types,
} from '../../src/index.ts'
import { certificateFor, type Mode } from '../runtimes.ts'

/** Large enough to wait in a temporary file, small enough for the buffers of the system. */
const ordinaryStreamBytes = 300_000

/** Names of the folders for temporary files. */
const sides: readonly [string, string] = ['client', 'service']

const FaultyService = defineService('IFaultyService', {
  /** Takes a stream, gives its digest back and a stream of the same length. */
  swap: method([types.text, types.dataStream], types.dataStream),
  ping: method([types.text], types.text),
})

interface Contents {
  readonly request: Buffer
  readonly response: Buffer
}

const made = new Map<number, Contents>()

/** What goes up and what comes back, of a given length. */
function contents(length: number): Contents {
  const known = made.get(length)
  if (known) return known
  const request = Buffer.alloc(
    length,
    Buffer.from(Array.from({ length: 251 }, (_, index) => (index * 31) % 251)),
  )
  const pair = { request, response: Buffer.from(request).reverse() }
  made.set(length, pair)
  return pair
}

/** How a call of the conversation ended. */
export type CallEnd = { readonly kind: 'answered' } | { readonly kind: 'failed'; readonly error: unknown }

/** What a conversation is made of. */
export interface ConversationOptions {
  readonly mode: Mode
  /** The folder for temporary files of both sides; it is made. */
  readonly folder: string
  readonly limits: Partial<HalibutLimits>
  /** The length of the streams of `swap`, each way. Default 300,000. */
  readonly streamBytes?: number
  /** Whether the service polls from the beginning, and not only when a call waits. */
  readonly isIdle?: boolean
  readonly plan?: (index: number) => FaultPlan
  readonly onChunk?: (connection: ProxiedConnection, direction: 'up' | 'down', chunk: Buffer) => void
}

/** Counts the connections that one runtime has. */
class OpenConnections implements HalibutObserver {
  count = 0

  connectionOpened(): void {
    this.count++
  }

  connectionClosed(): void {
    this.count--
  }
}

/** A client and a service with a proxy between them. */
export interface Conversation {
  /** Calls `swap` and checks every byte of both streams. Never fails. */
  swap(id: string): Promise<CallEnd>
  /** Calls `ping`. Never fails. */
  ping(id: string): Promise<CallEnd>
  /** How often the service ran the call with this id. */
  runs(id: string): number
  /** The connections through the proxy, in order. */
  readonly proxied: readonly ProxiedConnection[]
  /** Open connections of the two sides together. */
  readonly openConnections: number
  /** Files in the temporary folders of both sides. */
  files(): Promise<string[]>
  /** Closes everything and checks that nothing is left of it. */
  close(): Promise<void>
}

/** Starts both sides. A polling service begins to poll with {@link Conversation}'s first call: nothing is idle before. */
export async function startConversation(options: ConversationOptions): Promise<Conversation> {
  const { mode, folder, limits, streamBytes = ordinaryStreamBytes } = options
  const { request, response } = contents(streamBytes)
  const ran = new Map<string, number>()
  const proxied: ProxiedConnection[] = []
  const [clientOpen, serviceOpen] = [new OpenConnections(), new OpenConnections()]
  const client = createHalibut({
    certificate: await certificateFor('client'),
    trust: [(await certificateFor('service')).thumbprint],
    limits,
    observer: clientOpen,
    temporaryFolder: join(folder, sides[0]),
  })
  const service = createHalibut({
    certificate: await certificateFor('service'),
    trust: [client.certificate.thumbprint],
    services: [implementation({ request, response }, id => ran.set(id, (ran.get(id) ?? 0) + 1))],
    limits,
    observer: serviceOpen,
    temporaryFolder: join(folder, sides[1]),
  })
  await mkdir(folder, { recursive: true })
  const listener = await (mode === 'listening' ? service : client).listen({ port: 0, host: '127.0.0.1' })
  const proxy = await openFaultProxy({
    to: { port: listener.port },
    onConnection: connection => proxied.push(connection),
    ...(options.plan && { plan: options.plan }),
    ...(options.onChunk && { onChunk: options.onChunk }),
  })
  const call = caller(mode, { client, service, address: `https://127.0.0.1:${proxy.port}` })
  if (options.isIdle) call()
  return {
    proxied,
    swap: id =>
      ended(async () => {
        const stream = await call().swap(id, DataStream.fromBytes(request))
        if (!response.equals(await stream.bytes())) throw new Error('The result is another stream.')
      }),
    ping: id =>
      ended(async () => {
        if ((await call().ping(id)) !== `${id}!`) throw new Error('The result is of another call.')
      }),
    runs: id => ran.get(id) ?? 0,
    get openConnections() {
      return clientOpen.count + serviceOpen.count
    },
    files: () => filesIn(folder),
    async close() {
      await Promise.all([client.close(), service.close()])
      await proxy.close()
      if (proxy.openSockets > 0) throw new Error(`The proxy has ${proxy.openSockets} sockets left.`)
      await until('both sides to have no connection', () => clientOpen.count + serviceOpen.count === 0)
      const left = (await readdir(folder, { recursive: true })).filter(name => !sides.includes(name))
      if (left.length > 0) throw new Error(`Temporary files are left: ${left.join(', ')}`)
      await rm(folder, { recursive: true })
    },
  }
}

function implementation({ request, response }: Contents, hasRun: (id: string) => void) {
  return host(FaultyService, {
    swap: async (id, stream) => {
      hasRun(id)
      if (!request.equals(await stream.bytes())) throw new Error('Another stream arrived.')
      return DataStream.fromBytes(response)
    },
    ping: id => {
      hasRun(id)
      return `${id}!`
    },
  })
}

/** The client, made with the first call. The service starts to poll when that call waits already. */
function caller(
  mode: Mode,
  { client, service, address }: { client: Halibut; service: Halibut; address: string },
): () => ServiceClient<typeof FaultyService> {
  const thumbprint = service.certificate.thumbprint
  const endpoint: ServiceEndPoint = {
    baseUri: mode === 'listening' ? address : 'poll://faults/',
    thumbprint,
  }
  const stub = client.client(FaultyService, endpoint)
  let isPolling = false
  return () => {
    if (mode === 'polling' && !isPolling) {
      isPolling = true
      const server = { baseUri: address, thumbprint: client.certificate.thumbprint }
      // After the call that is about to be made.
      setImmediate(() => service.poll({ subscription: endpoint.baseUri, server }))
    }
    return stub
  }
}

async function ended(run: () => Promise<void>): Promise<CallEnd> {
  try {
    await run()
    return { kind: 'answered' }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ name }) => name)
}
