import {
  type Certificate,
  createCertificate,
  createHalibut,
  type Halibut,
  type Polling,
  type ServiceClient,
  type ServiceContract,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import { messageOf } from './document.ts'
import { type Connect, ourCallGroups } from './our-calls.ts'
import { hostRecorded } from './our-service.ts'
import type { Entry } from './recording.ts'
import { openTlsRecorder } from './tls-recorder.ts'

/** The subscription of the polling recording. */
export const recordedSubscription = 'poll://recorded/'

/** How often a polling service without work hears so: often, for nothing else waits for it. */
export const recordedLimits = { pollingQueueWaitTimeoutMs: 100 }

/** Clients of the services at an endpoint, one for each contract. */
export function connectTo(halibut: Halibut, endpoint: ServiceEndPoint): Connect {
  const clients = new Map<ServiceContract, object>()
  return <S extends ServiceContract>(contract: S): ServiceClient<S> => {
    const client = clients.get(contract) ?? halibut.client(contract, endpoint)
    clients.set(contract, client)
    return client as ServiceClient<S>
  }
}

/** Makes all calls, one after another. */
export async function callListening(connect: Connect): Promise<void> {
  for (const call of ourCallGroups.flat()) await call(connect)
}

/**
 * The calls of a polling service. Which messages say that there is nothing must not depend on who is quick: all calls
 * of a group are in the queue before the poller can ask for the first.
 */
export class QueuedCalls {
  /** Settles with the last call. */
  readonly done: Promise<void>
  readonly #connect: Connect
  readonly #started = Promise.withResolvers<void>()
  readonly #calls: Promise<void>[] = []
  #groups = 0

  /** Queues the first group. */
  constructor(connect: Connect) {
    this.#connect = connect
    this.done = this.#started.promise.then(async () => void (await Promise.all(this.#calls)))
    this.next()
  }

  /** The poller is about to hear that there is nothing: queues the next group. */
  next(): void {
    const calls = ourCallGroups[this.#groups++]
    for (const call of calls ?? []) this.#calls.push(call(this.#connect))
    // Those who wait for all of them hear of it.
    for (const call of this.#calls) call.catch(error => this.#started.reject(error))
    if (this.#groups === ourCallGroups.length) this.#started.resolve()
  }
}

interface Peers {
  readonly client: Certificate
  readonly service: Certificate
}

async function newPeers(): Promise<Peers> {
  const [client, service] = await Promise.all(
    ['client', 'service'].map(commonName => createCertificate({ commonName })),
  )
  if (client === undefined || service === undefined) throw new Error('There are no certificates.')
  return { client, service }
}

/** Records a client of ours that calls a listening service of ours. */
export async function recordOursListening(): Promise<Entry[][]> {
  const peers = await newPeers()
  const client = createHalibut({ certificate: peers.client })
  const service = createHalibut({
    certificate: peers.service,
    services: [hostRecorded()],
    trust: [peers.client.thumbprint],
  })
  try {
    const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
    const recorder = await openTlsRecorder({ to: port, listener: peers.service, dialler: peers.client })
    try {
      const baseUri = `https://127.0.0.1:${recorder.port}/`
      await callListening(connectTo(client, { baseUri, thumbprint: peers.service.thumbprint }))
      await client.close()
      return await recorder.recording()
    } finally {
      await recorder.close()
    }
  } finally {
    await Promise.all([client.close(), service.close()])
  }
}

/** Records a polling service of ours that carries out the calls in the queue of a client of ours. */
export async function recordOursPolling(): Promise<Entry[][]> {
  const peers = await newPeers()
  const client = createHalibut({
    certificate: peers.client,
    trust: [peers.service.thumbprint],
    limits: recordedLimits,
  })
  let polling: Polling | undefined
  const service = createHalibut({
    certificate: peers.service,
    services: [hostRecorded(() => void polling?.stop())],
  })
  try {
    const { port } = await client.listen({ port: 0, host: '127.0.0.1' })
    const endpoint = { baseUri: recordedSubscription, thumbprint: peers.service.thumbprint }
    const calls = new QueuedCalls(connectTo(client, endpoint))
    const recorder = await openTlsRecorder({
      to: port,
      listener: peers.client,
      dialler: peers.service,
      onPiece: ({ bytes }) => {
        if (bytes.equals(nothing)) calls.next()
      },
    })
    try {
      const baseUri = `https://127.0.0.1:${recorder.port}/`
      const server = { baseUri, thumbprint: peers.client.thumbprint }
      polling = service.poll({ subscription: recordedSubscription, server })
      await calls.done
      return await recorder.recording()
    } finally {
      await recorder.close()
    }
  } finally {
    await Promise.all([client.close(), service.close()])
  }
}

/** The message that says that there is no request: the same from every peer, and always one write. */
const nothing = Buffer.from('e3636060e0f24d2d2e4e4c4f65600000', 'hex')

/** How many messages of a recording say that there is no request. */
export function countOfNothing(connections: readonly (readonly Entry[])[]): number {
  return connections.flat().filter(entry => entry.kind === 'message' && messageOf(entry.document) === null)
    .length
}
