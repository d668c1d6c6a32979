import { TentacleError } from '../errors.ts'
import { defaultCommsPort } from '../settings/settings-keys.ts'

/** Where a server takes calls from polling agents. */
export interface CommsAddress {
  /** `https://host:port`, always with the port. */
  readonly address: string
  readonly port: number
}

/**
 * Puts the address together: the host of what was given or of the server; the port that was given, or that inside the
 * address, or 10943.
 *
 * @throws TentacleError `ERR_OPTION_VALUE` for an address that is none.
 */
export function commsAddress(
  server: URL | undefined,
  address: string | undefined,
  port: number | undefined,
): CommsAddress {
  const url = address === undefined ? server : parse(address)
  if (url === undefined) {
    throw new TentacleError(
      'ERR_OPTION_VALUE',
      'Say where the server takes calls from agents: --server-comms-address=URL',
    )
  }
  const inAddress = /^[a-z]+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(address ?? '')?.[1]
  const chosen = port ?? (inAddress === undefined ? defaultCommsPort : Number(inAddress))
  if (chosen < 1 || chosen > 65_535)
    throw new TentacleError('ERR_OPTION_VALUE', `${chosen} is not a TCP port.`)
  return { address: `https://${url.hostname}:${chosen}`, port: chosen }
}

function parse(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== '') return url
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `'${address}' is not an address; expected something like https://server:10943`,
  )
}
