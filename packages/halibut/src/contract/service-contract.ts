import type { Thumbprint } from '../tls/thumbprint.ts'
import type { AnyCodec, ValueOf } from './codec.ts'
import type { ValuesOf } from './collections.ts'
import type { DataStream } from './data-stream.ts'

/** One method of a service. */
export interface Method<
  P extends readonly AnyCodec[] = readonly AnyCodec[],
  R extends AnyCodec | 'void' = AnyCodec | 'void',
> {
  /** What it takes, in order. */
  readonly parameters: P
  /** What it gives, or `'void'`. */
  readonly result: R
  /** The name on the wire when it is not the key with a capital first letter: several overloads share one. */
  readonly wireName?: string
  /** How long callers may take the result from their cache. Default: they never do. */
  readonly cacheSeconds?: number
}

/** What a method may have besides its parameters and result. */
export interface MethodOptions {
  /** Its name in .NET, without `Async`, when that is not the key with a capital first letter. */
  readonly wireName?: string
  /**
   * For so many seconds a client answers the same call (endpoint, method, arguments) from its cache: nothing is sent,
   * observers hear of nothing, and all callers get the same object. Errors and data streams are not kept.
   */
  readonly cacheSeconds?: number
}

/** The methods of a service by their names here. */
export type Methods = Readonly<Record<string, Method>>

/** What both sides of a call agree on. */
export interface ServiceContract<M extends Methods = Methods> {
  /** The simple name of the .NET interface, such as `IScriptServiceV2`. */
  readonly wireName: string
  /** By their names here; see {@link MethodOptions.wireName} for those on the wire. */
  readonly methods: M
}

/**
 * Describes a method of a service.
 *
 * @param parameters what it takes, in order; `[]` for nothing
 * @param result what it gives, or `'void'`
 */
export function method<const P extends readonly AnyCodec[], R extends AnyCodec | 'void'>(
  parameters: P,
  result: R,
  options: MethodOptions = {},
): Method<P, R> {
  return { parameters, result, ...options }
}

/**
 * Describes a service. The key of a method is its name here and, with a capital first letter, on the wire.
 *
 * @example
 * const EchoService = defineService('IEchoService', { sayHello: method([types.text], types.text) })
 */
export function defineService<const M extends Methods>(wireName: string, methods: M): ServiceContract<M> {
  return { wireName, methods }
}

/** The name of a method on the wire. */
export function wireNameOf(key: string, { wireName }: Method): string {
  return wireName ?? key.charAt(0).toUpperCase() + key.slice(1)
}

/** Options of one call. */
export interface CallOptions {
  /** Gives the call up: a request that was not sent is taken back, the connection of one that was is cut. */
  readonly signal?: AbortSignal
  /** Gives the call up after this many milliseconds with `ERR_TIMEOUT`. Default: the limits of each step decide. */
  readonly timeoutMs?: number
  /**
   * Receives the data streams of the result while they arrive, instead of in temporary files: it is called with one
   * after another, in the order of the result, and what it leaves unread is passed over. The call ends after the
   * last one. When it throws, the call fails with `ERR_STREAM_STORE` and its connection is cut.
   */
  readonly receiveStream?: (stream: DataStream) => Promise<unknown>
}

/** What a service method can know about its caller. */
export interface CallContext {
  /** The caller's certificate: the one that was trusted. */
  readonly thumbprint: Thumbprint
  /** `address:port` of the caller's end of the connection. */
  readonly remoteAddress: string
  /** Aborts when the connection is lost or the runtime closes: then nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

type ResultOf<R> = R extends AnyCodec ? ValueOf<R> : undefined

type Argument<P> = P extends readonly AnyCodec[] ? ValuesOf<P> : never

type ClientMethod<M> =
  M extends Method<infer P, infer R>
    ? (
        ...args: [...values: Argument<P>, options?: CallOptions]
      ) => Promise<R extends 'void' ? void : ResultOf<R>>
    : never

type ServiceMethod<M> =
  M extends Method<infer P, infer R>
    ? (
        ...args: [...values: Argument<P>, context: CallContext]
      ) => R extends 'void' ? void | Promise<void> : ResultOf<R> | Promise<ResultOf<R>>
    : never

/**
 * The service as its callers see it: every method takes {@link CallOptions} last and gives a promise. It rejects with
 * a `HalibutError` whose `details.connectionState` is set, or with a `TypeError` for arguments that are not what the
 * contract says, of which nothing is sent.
 */
export type ServiceClient<S extends ServiceContract> = {
  readonly [K in keyof S['methods']]: ClientMethod<S['methods'][K]>
}

/**
 * The service as it is implemented: every method gets the {@link CallContext} last and may be asynchronous. Callers get
 * what it throws as `ERR_SERVICE_INVOCATION`, with name, message and stack.
 */
export type ServiceImplementation<S extends ServiceContract> = {
  readonly [K in keyof S['methods']]: ServiceMethod<S['methods'][K]>
}

/** A service that a runtime offers. */
export interface HostedService {
  /** What is offered. */
  readonly contract: ServiceContract
  /** Gives the object whose methods are called, once for each request. What it throws goes to the caller as it is. */
  readonly open: () => object
  /** Keys of the methods whose data streams are live. */
  readonly liveStreams: ReadonlySet<string>
}

/** How a service is offered. */
export interface HostOptions<S extends ServiceContract = ServiceContract> {
  /**
   * Methods that get the data streams of their arguments while these arrive, instead of in temporary files when all
   * have come: faster, and nothing is written twice. Such a method must read them one after another and before it
   * ends, may meet a stream that breaks off, and holds the sender up while it does not read. Default: none.
   */
  readonly liveStreams?: readonly (keyof S['methods'] & string)[]
}

/**
 * Offers an implementation of a contract.
 *
 * @param implementation the object, or a function that gives one for each request
 */
export function host<S extends ServiceContract>(
  contract: S,
  implementation: ServiceImplementation<S> | (() => ServiceImplementation<S>),
  { liveStreams = [] }: HostOptions<S> = {},
): HostedService {
  const open = typeof implementation === 'function' ? implementation : () => implementation
  return { contract, open, liveStreams: new Set(liveStreams) }
}
