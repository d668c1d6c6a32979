import type { Method, ServiceContract } from '../contract/service-contract.ts'
import { wireNameOf } from '../contract/service-contract.ts'
import { BsonBinary, BsonDate, BsonDocument, BsonDouble, type BsonValue } from '../frame/bson-value.ts'
import { callError, type ServerError } from '../messages/server-error.ts'

/** A method under the name that it has on the wire. */
export interface NamedMethod {
  /** The key in the contract and in the implementation. */
  readonly key: string
  readonly method: Method
  readonly wireName: string
}

/** The methods of a contract by their lower-case wire names: overloads share one. */
export type MethodTable = ReadonlyMap<string, readonly NamedMethod[]>

/** Lists a contract's methods in the way in which requests name them. */
export function methodTable({ methods }: ServiceContract): MethodTable {
  const named = Object.entries(methods).map(([key, method]) => ({
    key,
    method,
    wireName: wireNameOf(key, method),
  }))
  return Map.groupBy(named, ({ wireName }) => wireName.toLowerCase())
}

/**
 * Finds the method that a request means (docs/wire/halibut.md, "Dispatch"): by name without regard to case, by the
 * number of arguments, then by what the arguments are. Where no overload fits as .NET would have it, one that fits
 * loosely is taken, if it is the only one.
 *
 * @param service the name of the service, for messages
 */
export function chooseMethod(
  service: string,
  table: MethodTable,
  name: string,
  args: readonly BsonValue[],
): NamedMethod | ServerError {
  const named = table.get(name.toLowerCase()) ?? []
  if (named.length === 0)
    return callError('ERR_METHOD_NOT_FOUND', `Method ${service}::${name}Async not found`)

  const byCount = named.filter(({ method }) => method.parameters.length === args.length)
  const exact = byCount.filter(({ method }) => fits(method, args, ['exact']))
  const candidates =
    exact.length > 0 ? exact : byCount.filter(({ method }) => fits(method, args, ['exact', 'loose']))
  const [only] = candidates
  if (only && candidates.length === 1) return only
  return ambiguous(candidates.length > 0 ? candidates : named, args, candidates.length > 0)
}

function fits({ parameters }: Method, args: readonly BsonValue[], allowed: readonly string[]): boolean {
  return parameters.every((parameter, index) => allowed.includes(parameter.fit(args[index] ?? null)))
}

function ambiguous(
  candidates: readonly NamedMethod[],
  args: readonly BsonValue[],
  isSeveral: boolean,
): ServerError {
  const head = isSeveral
    ? 'More than one possible match for the requested service method was found given the argument types. The matches were:'
    : 'Could not decide which candidate to call out of the following methods:'
  const lines = candidates.map(({ wireName, method }) => {
    const parameters = method.parameters.map(({ typeName }) => typeName.name).join(', ')
    return ` - ${wireName}Async(${parameters})`
  })
  const given = args.map(typeOf).join(', ')
  return callError(
    'ERR_AMBIGUOUS_METHOD',
    `${head}\n${lines.join('\n')}\nThe request arguments were:\n${given}\n`,
  )
}

/** The .NET name for what an argument is. */
function typeOf(value: BsonValue): string {
  if (value === null) return '<null>'
  if (typeof value === 'string') return 'String'
  if (typeof value === 'boolean') return 'Boolean'
  if (typeof value === 'number' || typeof value === 'bigint') return 'Int64'
  if (value instanceof BsonDouble) return 'Double'
  if (value instanceof BsonDate) return 'DateTime'
  if (value instanceof BsonBinary) return value.subtype === 4 ? 'Guid' : 'Byte[]'
  return value instanceof BsonDocument ? (value.typeText?.split(',')[0] ?? 'JObject') : 'JArray'
}
