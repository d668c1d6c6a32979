import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type CallContext,
  type Certificate,
  createCertificate,
  createHalibut,
  DataStream,
  defineService,
  type Halibut,
  HalibutError,
  type HalibutLimits,
  type HalibutLogEntry,
  type HalibutOptions,
  type HostedService,
  host,
  method,
  type Polling,
  type ServiceClient,
  type ServiceEndPoint,
  types,
} from '../src/index.ts'

const Place = types.record({
  dotnet: 'Tests.Place, Tests',
  fields: { latitude: types.int32, name: types.nullable(types.text) },
})
const StreamBox = types.record({
  dotnet: 'Tests.StreamBox, Tests',
  fields: { label: types.text, streams: types.list(types.dataStream) },
})

/** A service with something of everything, for tests. */
export const TestService = defineService('ITestService', {
  sayHello: method([types.text], types.text),
  addLong: method([types.int64, types.int64], types.int64, { wireName: 'Add' }),
  addDouble: method([types.double, types.double], types.double, { wireName: 'Add' }),
  addDecimal: method([types.decimal, types.decimal], types.decimal, { wireName: 'Add' }),
  countBytes: method([types.dataStream], types.count),
  countAll: method([StreamBox], types.count),
  makeStream: method([types.count], types.dataStream),
  echoStream: method([types.dataStream], types.dataStream),
  move: method([Place], Place),
  crash: method([], 'void'),
  doNothing: method([], 'void'),
  wait: method([types.text], types.text),
})

/** What a test can do with the service that answers it. */
export class TestServiceControl {
  readonly calls: string[] = []
  /** Calls of `wait` that have begun. */
  readonly waiting = new Map<string, CallContext>()
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>()

  /** Resolves once `wait(name)` has begun. */
  arrived(name: string): Promise<void> {
    return this.#arrival(name).promise
  }

  /** Lets `wait(name)` return. */
  release(name: string): void {
    this.#gate(name).resolve()
  }

  get hosted(): HostedService {
    return host(TestService, {
      sayHello: name => {
        this.calls.push(name)
        return `${name}...`
      },
      addLong: (a, b) => a + b,
      addDouble: (a, b) => a + b,
      addDecimal: () => -1,
      countBytes: async stream => (await stream.bytes()).length,
      countAll: async ({ streams }) => {
        let sum = 0
        for (const stream of streams) for await (const part of stream.read()) sum += part.length
        return sum
      },
      makeStream: length => DataStream.fromBytes(Buffer.alloc(length, 'x')),
      echoStream: stream => stream,
      move: place => ({ ...place, latitude: -place.latitude }),
      crash() {
        throw new RangeError('Attempted to divide by zero.')
      },
      doNothing() {},
      wait: async (name, context) => {
        this.waiting.set(name, context)
        this.#arrival(name).resolve()
        await this.#gate(name).promise
        return name
      },
    })
  }

  #gate(name: string): PromiseWithResolvers<void> {
    return entry(this.#gates, name)
  }

  #arrival(name: string): PromiseWithResolvers<void> {
    return entry(this.#arrivals, name)
  }
}

function entry(map: Map<string, PromiseWithResolvers<void>>, name: string): PromiseWithResolvers<void> {
  const found = map.get(name) ?? Promise.withResolvers<void>()
  map.set(name, found)
  return found
}

const certificates = new Map<string, Promise<Certificate>>()

/** A certificate for a name, made once in a test file. */
export function certificateFor(name: string): Promise<Certificate> {
  const made = certificates.get(name) ?? createCertificate({ commonName: name })
  certificates.set(name, made)
  return made
}

/** Short enough for tests, long enough for a busy machine. */
export const testLimits: Partial<HalibutLimits> = {
  pollingRequestQueueTimeoutMs: 10_000,
  retryListeningSleepIntervalMs: 20,
  tcpClientReceiveTimeoutMs: 10_000,
  tcpClientSendTimeoutMs: 10_000,
  tcpClientReceiveResponseTimeoutMs: 20_000,
  pollingReconnectMinimumMs: 20,
  pollingReconnectMaximumMs: 200,
}

/** A runtime that is closed after the test. */
export async function runtime(
  t: TestContext,
  name: string,
  options: Partial<HalibutOptions> = {},
): Promise<Halibut> {
  const halibut = createHalibut({
    certificate: await certificateFor(name),
    ...options,
    limits: { ...testLimits, ...options.limits },
  })
  t.after(() => halibut.close())
  return halibut
}

export type Mode = 'listening' | 'polling'

export interface Pair {
  /** The side that calls. */
  readonly client: Halibut
  /** The side that is called. */
  readonly service: Halibut
  readonly call: ServiceClient<typeof TestService>
  readonly control: TestServiceControl
  /** Where the calls go. */
  readonly endpoint: ServiceEndPoint
  readonly log: HalibutLogEntry[]
  readonly port: number
  readonly polling: Polling | undefined
}

export interface PairOptions {
  readonly client?: Partial<HalibutOptions>
  readonly service?: Partial<HalibutOptions>
  /** Polling connections. Default 1. */
  readonly connections?: number
  /** After which all of them have been busy for so long that there is one more. Default: none. */
  readonly spareAfterMs?: number
}

/** A client and a service that know each other. */
export async function pair(t: TestContext, mode: Mode, options: PairOptions = {}): Promise<Pair> {
  const control = new TestServiceControl()
  const log: HalibutLogEntry[] = []
  const record = (entry: HalibutLogEntry) => void log.push(entry)
  const clientThumbprint = (await certificateFor('client')).thumbprint
  const serviceThumbprint = (await certificateFor('service')).thumbprint
  const client = await runtime(t, 'client', { trust: [serviceThumbprint], log: record, ...options.client })
  const service = await runtime(t, 'service', {
    trust: [clientThumbprint],
    services: [control.hosted],
    log: record,
    ...options.service,
  })
  const listener = await (mode === 'listening' ? service : client).listen({ port: 0, host: '127.0.0.1' })
  const address = `https://127.0.0.1:${listener.port}`
  const endpoint: ServiceEndPoint =
    mode === 'listening'
      ? { baseUri: address, thumbprint: serviceThumbprint }
      : { baseUri: 'poll://tests/', thumbprint: serviceThumbprint }
  const polling =
    mode === 'polling'
      ? service.poll({
          subscription: 'poll://tests/',
          server: { baseUri: address, thumbprint: clientThumbprint },
          connections: options.connections ?? 1,
          ...(options.spareAfterMs !== undefined && { spareAfterMs: options.spareAfterMs }),
        })
      : undefined
  return {
    client,
    service,
    call: client.client(TestService, endpoint),
    control,
    endpoint,
    log,
    port: listener.port,
    polling,
  }
}

/** A folder that is deleted after the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'halibut-test-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Waits until something is so. For states that no event announces. */
export async function until(isSo: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`It did not happen within ${timeoutMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Checks that a promise fails with a code, and gives the error. */
export async function failure(promise: Promise<unknown>, code: HalibutError['code']): Promise<HalibutError> {
  const error = await promise.then(
    value => new Error(`It did not fail but gave ${String(value)}.`),
    (thrown: unknown) => thrown,
  )
  if (error instanceof HalibutError && error.code === code) return error
  throw error
}
