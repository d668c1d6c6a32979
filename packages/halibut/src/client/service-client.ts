import { newGuid } from '../bytes/guid.ts'
import type { CallOptions, Method, ServiceClient, ServiceContract } from '../contract/service-contract.ts'
import { wireNameOf } from '../contract/service-contract.ts'
import { encodeRequest } from '../messages/request.ts'
import { Cancellation } from './cancellation.ts'
import type { OutgoingCall } from './outgoing-call.ts'

/** Where the calls of a client go. */
export interface CallTarget {
  /** For messages and observers. */
  readonly endpoint: string
  /** From `encodeEndpoint`. */
  readonly document: Buffer
  call(call: OutgoingCall): Promise<unknown>
}

/** Makes the object whose methods are the methods of the contract, over there. */
export function createServiceClient<S extends ServiceContract>(
  contract: S,
  target: CallTarget,
): ServiceClient<S> {
  // .NET numbers the calls of one client and shows the number in the id.
  const calls = { count: 0 }
  const methods = Object.entries(contract.methods).map(([key, method]) => [
    key,
    (...args: readonly unknown[]) =>
      call(contract.wireName, wireNameOf(key, method), method, args, target, ++calls.count),
  ])
  return Object.fromEntries(methods) as ServiceClient<S>
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
