import { newGuid } from '../bytes/guid.ts'
import type { CallOptions, Method, ServiceClient, ServiceContract } from '../contract/service-contract.ts'
import { wireNameOf } from '../contract/service-contract.ts'
import { HalibutError } from '../errors.ts'
import { encodeArguments, encodeRequest } from '../messages/request.ts'
import { Cancellation } from './cancellation.ts'
import type { OutgoingCall } from './outgoing-call.ts'
import type { ResponseCache } from './response-cache.ts'

/** Where the calls of a client go. */
export interface CallTarget {
  /** For messages and observers. */
  readonly endpoint: string
  /** From `encodeEndpoint`. */
  readonly document: Buffer
  /** Answers methods that may be cached. */
  readonly cache: ResponseCache
  /** Equal for endpoints that give the same answers. */
  readonly cacheKey: string
  call(call: OutgoingCall): Promise<unknown>
}

/** Makes the object whose methods are the methods of the contract, over there. */
export function createServiceClient<S extends ServiceContract>(
  contract: S,
  target: CallTarget,
): ServiceClient<S> {
  // .NET numbers the calls of one client and shows the number in the id.
  const calls = { count: 0 }
  const methods = Object.entries(contract.methods).map(([key, method]) => {
    const name = wireNameOf(key, method)
    const run = (args: readonly unknown[]) =>
      call(contract.wireName, name, method, args, target, ++calls.count)
    const { cacheSeconds } = method
    if (cacheSeconds === undefined) return [key, (...args: readonly unknown[]) => run(args)]
    const prefix = JSON.stringify([target.cacheKey, contract.wireName, key])
    return [
      key,
      (...args: readonly unknown[]) =>
        cached(prefix, method, args, cacheSeconds, target.cache, () => run(args)),
    ]
  })
  return Object.fromEntries(methods) as ServiceClient<S>
}

async function cached(
  prefix: string,
  { parameters }: Method,
  args: readonly unknown[],
  lifetimeSeconds: number,
  cache: ResponseCache,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const key = `${prefix}${encodeArguments(parameters, args).toString('latin1')}`
  const hit = cache.get(key)
  if (hit?.kind === 'error') throw hit.error
  if (hit) return hit.value
  try {
    const value = await run()
    cache.set(key, { kind: 'result', value }, lifetimeSeconds)
    return value
  } catch (error) {
    if (error instanceof HalibutError) cache.set(key, { kind: 'error', error }, lifetimeSeconds)
    throw error
  }
}

async function call(
  service: string,
  name: string,
  { parameters, result }: Method,
  args: readonly unknown[],
  target: CallTarget,
  number: number,
): Promise<unknown> {
  const activityId = newGuid()
  const id = `${service}::${name}Async[${number}] / ${activityId}`
  const head = { id, activityId, endpoint: target.document, service, method: name }
  const message = encodeRequest(head, parameters, args)
  const options = args[parameters.length] as CallOptions | undefined
  const cancellation = new Cancellation(options)
  try {
    if (cancellation.isCancelled) throw cancellation.error('connecting')
    return await target.call({
      id,
      service,
      method: name,
      endpoint: target.endpoint,
      message,
      result,
      cancellation,
      receiveStream: options?.receiveStream,
    })
  } finally {
    cancellation.dispose()
  }
}
