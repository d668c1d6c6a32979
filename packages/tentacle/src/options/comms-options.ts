import { TentacleError } from '../errors.ts'
import { type CommsAddress, commsAddress } from '../registration/comms-address.ts'
import { defaultCommsPort } from '../settings/settings-keys.ts'
import { type OptionTable, value } from './option-table.ts'
import type { ParsedOptions } from './parse-options.ts'

/** Where a server takes calls from agents that poll it. */
export const commsOptions = {
  commsAddress: value(
    'server-comms-address',
    'Address where the server takes calls from polling agents; the host of --server if none is given',
  ),
  commsPort: value('server-comms-port', `Port of that address; ${defaultCommsPort} if none is given`),
  webSocket: value('server-web-socket', 'Address of a web socket to poll, in place of address and port'),
} as const satisfies OptionTable

type Given = Pick<ParsedOptions<typeof commsOptions>, 'nonEmpty' | 'integer'>

/** @throws TentacleError `ERR_USAGE` for web sockets, which this agent does not poll, and for two addresses. */
export function readCommsAddress(given: Given, server: URL | undefined): CommsAddress {
  refuseWebSockets(given)
  return commsAddress(server, given.nonEmpty('commsAddress'), given.integer('commsPort'))
}

/** @throws TentacleError `ERR_USAGE` */
export function refuseWebSockets(given: Given): void {
  if (given.nonEmpty('webSocket') === undefined) return
  throw new TentacleError(
    'ERR_USAGE',
    given.nonEmpty('commsAddress') === undefined
      ? 'This agent does not poll through web sockets; give --server-comms-address and --server-comms-port instead.'
      : 'Give either --server-comms-address or --server-web-socket: a server is polled in one way.',
  )
}
