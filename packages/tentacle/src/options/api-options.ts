import { TentacleError } from '../errors.ts'
import type { ApiEndpoint, Credentials } from '../web-api/api-endpoint.ts'
import { flag, type OptionTable, value } from './option-table.ts'
import type { ParsedOptions } from './parse-options.ts'

/** How commands that speak with a server are told which, and as whom. */
export const apiOptions = {
  server: value('server', 'Address of the server, as http://your-server'),
  apiKey: value('apiKey', 'Your API key; make one in the profile of the web portal', { sensitive: true }),
  bearerToken: value('bearerToken', 'A token in place of an API key, for logins without a secret', {
    sensitive: true,
  }),
  username: value('u|username|user', 'Your user name'),
  password: value('p|password', 'Your password', { sensitive: true }),
  ignoreSslErrors: flag(
    'ignoreSslErrors',
    'Accepts any HTTPS certificate of the web API. Somebody in between can then read your credentials, so use it only where you know the network',
  ),
} as const satisfies OptionTable

/** The space of a server. */
export const spaceOptions = {
  space: value('space', 'Name of the space; the default space of the server if none is given'),
} as const satisfies OptionTable

type Given = Pick<ParsedOptions<typeof apiOptions>, 'nonEmpty' | 'has'>

/**
 * The server and exactly one way to prove who asks.
 *
 * @throws TentacleError `ERR_USAGE` that says what is missing or too much, `ERR_OPTION_VALUE` for an address that is none.
 */
export function readApiEndpoint(given: Given): ApiEndpoint {
  const server = given.nonEmpty('server')
  if (server === undefined)
    throw new TentacleError('ERR_USAGE', 'Give the address of the server: --server=http://your-server')
  const credentials = readCredentials(given)
  return { server: parseServer(server), credentials, ignoreSslErrors: given.has('ignoreSslErrors') }
}

/** As `readApiEndpoint`, for commands that can do without a server; undefined if none of the options was given. */
export function readOptionalApiEndpoint(given: Given): ApiEndpoint | undefined {
  const used = (['server', 'apiKey', 'bearerToken', 'username', 'password'] as const).some(
    option => given.nonEmpty(option) !== undefined,
  )
  return used ? readApiEndpoint(given) : undefined
}

function readCredentials(given: Given): Credentials {
  const apiKey = headerText(given, 'apiKey')
  const token = headerText(given, 'bearerToken')
  const username = given.nonEmpty('username')
  const password = given.nonEmpty('password')
  const kinds = [apiKey, token, username ?? password].filter(kind => kind !== undefined)
  if (kinds.length > 1) {
    throw new TentacleError(
      'ERR_USAGE',
      'Give one proof of identity only: an API key, a bearer token, or user and password.',
    )
  }
  if (apiKey !== undefined) return { kind: 'apiKey', apiKey }
  if (token !== undefined) return { kind: 'bearer', token }
  if (username !== undefined && password !== undefined) return { kind: 'password', username, password }
  if (username !== undefined)
    throw new TentacleError('ERR_USAGE', `Give the password of ${username} too: --password=…`)
  if (password !== undefined)
    throw new TentacleError('ERR_USAGE', 'Give the name that the password belongs to: --username=NAME')
  throw new TentacleError(
    'ERR_USAGE',
    'Prove who you are with --apiKey=API-… (from your profile in the web portal), --bearerToken=…, or --username and --password.',
  )
}

/** A secret that travels in a header. A file that it was read from may have left its line end. */
function headerText(given: Given, option: 'apiKey' | 'bearerToken'): string | undefined {
  const text = given.nonEmpty(option)?.trim()
  if (text === undefined || text === '') return undefined
  if (/^[\x20-\x7E]+$/.test(text)) return text
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `The value of --${option} has characters that no key has: copy it once more, without what is around it.`,
  )
}

/** The address of a server as it was typed, without `/api` at its end. @throws TentacleError `ERR_OPTION_VALUE` */
export function parseServer(typed: string): URL {
  const text = typed.trim().replace(/\/api\/?$/i, '')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `'${typed}' is not the address of a server; expected http://… or https://…`,
  )
}
