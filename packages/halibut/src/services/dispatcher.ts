import { MissingObjectError, type ReadContext } from '../contract/codec.ts'
import type { DataStream } from '../contract/data-stream.ts'
import type { CallContext, HostedService, ServiceContract } from '../contract/service-contract.ts'
import type { EncodedMessage, IncomingRequest } from '../messages/request.ts'
import { encodeError, encodeResult } from '../messages/response.ts'
import { callError, invocationError, plainError, type ServerError } from '../messages/server-error.ts'
import { chooseMethod, type MethodTable, methodTable, type NamedMethod } from './choose-method.ts'
import { skimValues } from './type-tags.ts'

/** A request whose arguments were understood, as far as they can be. */
export interface PlannedCall {
  /** These follow the request and must be received before it is answered. */
  readonly streams: readonly DataStream[]
  /** Whether the method reads them while they arrive. */
  readonly isLive: boolean
  /** Runs the method. Never fails: what goes wrong becomes an error response. */
  run(context: CallContext): Promise<EncodedMessage>
}

interface OfferedService extends HostedService {
  readonly table: MethodTable
}

/** Finds services and methods for requests, and turns their results into responses. */
export class Dispatcher {
  readonly #services: ReadonlyMap<string, OfferedService>
  readonly #contracts: readonly ServiceContract[]
  readonly #unknownService: ((name: string) => Error) | undefined

  constructor(services: readonly HostedService[], unknownService?: (name: string) => Error) {
    this.#services = new Map(
      services.map(service => [
        service.contract.wireName.toLowerCase(),
        { ...service, table: methodTable(service.contract) },
      ]),
    )
    this.#contracts = services.map(({ contract }) => contract)
    this.#unknownService = unknownService
  }

  /**
   * Decides what a request means.
   *
   * @throws HalibutError for arguments that cannot be read: the connection must be closed then, since nobody knows
   *   how many data streams follow
   */
  plan(request: IncomingRequest): PlannedCall {
    const service = this.#services.get(request.service.toLowerCase())
    if (!service) return this.#refuse(request, this.#serviceNotFound(request.service))
    const chosen = chooseMethod(service.contract.wireName, service.table, request.method, request.params)
    if ('message' in chosen) return this.#refuse(request, chosen)
    const args = readArguments(chosen, request)
    if ('message' in args) return this.#refuse(request, args)
    return {
      streams: args.streams,
      isLive: service.liveStreams.has(chosen.key),
      run: callContext => invoke(request.id, service, chosen, [...args.values, callContext]),
    }
  }

  #refuse(request: IncomingRequest, error: ServerError): PlannedCall {
    const streams = skimValues(request.params, this.#contracts)
    return { streams, isLive: false, run: async () => encodeError(request.id, error) }
  }

  #serviceNotFound(name: string): ServerError {
    if (this.#unknownService) return plainError(this.#unknownService(name))
    return callError('ERR_SERVICE_NOT_FOUND', `Service not found: ${name}`)
  }
}

/** What a method is called with, and the data streams in that. */
interface Arguments extends ReadContext {
  readonly values: readonly unknown[]
}

/** A null where the method needs an object is the caller's mistake, and no reason to end the connection. */
function readArguments({ method }: NamedMethod, { params }: IncomingRequest): Arguments | ServerError {
  const context: ReadContext = { streams: [] }
  try {
    return { ...context, values: method.parameters.map((codec, at) => codec.read(params[at], context)) }
  } catch (error) {
    if (!(error instanceof MissingObjectError)) throw error
    return invocationError(new TypeError(error.message))
  }
}

async function invoke(
  id: string,
  service: HostedService,
  { key, method }: NamedMethod,
  args: readonly unknown[],
): Promise<EncodedMessage> {
  let implementation: object
  try {
    implementation = service.open()
  } catch (error) {
    return encodeError(id, plainError(error))
  }
  try {
    const run: unknown = Reflect.get(implementation, key)
    if (typeof run !== 'function')
      throw new TypeError(`The service ${service.contract.wireName} lacks ${key}.`)
    const result: unknown = await Reflect.apply(run, implementation, args)
    return encodeResult(id, method.result, result)
  } catch (error) {
    return encodeError(id, invocationError(error))
  }
}
