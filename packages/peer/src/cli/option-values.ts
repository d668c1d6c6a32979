import { parseArgs } from 'node:util'
import { type HttpProxy, parseThumbprint, type Thumbprint } from '@tentacle/halibut'
import type { Command, OptionSpec, OptionValues } from './command.ts'
import { usageError } from './peer-error.ts'

/** Options that every command takes. */
const commonOptions = ['help', 'nodelay'] as const

/**
 * Reads the options of a command: `--name value` and `--name=value`.
 *
 * @throws PeerError `ERR_USAGE` for an option that the command does not have, one without its value, and a required
 *   one that is missing
 */
export function parseOptions(command: Command, argv: readonly string[]): OptionValues {
  const config: Record<string, { type: 'string' | 'boolean'; multiple: true }> = {}
  for (const name of commonOptions) config[name] = { type: 'boolean', multiple: true }
  for (const [name, { value }] of Object.entries(command.options)) {
    config[name] = { type: value === undefined ? 'boolean' : 'string', multiple: true }
  }
  const values = new Map<string, string>()
  try {
    const parsed = parseArgs({ args: [...argv], options: config, allowPositionals: false, strict: true })
    for (const [name, value] of Object.entries(parsed.values)) {
      values.set(name, Array.isArray(value) ? value.map(String).join(',') : String(value))
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw usageError(`${text.split(/[\n.]/)[0]}.`)
  }
  if (values.has('help')) return values
  const missing = Object.entries(command.options)
    .filter(([name, { required }]) => required && !values.get(name))
    .map(([name]) => `--${name}`)
  if (missing.length > 0) throw usageError(`${command.name} needs ${missing.join(' and ')}.`)
  return values
}

/** The value of a required option, which `parseOptions` has seen. */
export function requiredText(options: OptionValues, name: string): string {
  const value = options.get(name)
  if (!value) throw usageError(`--${name} is missing.`)
  return value
}

/** A whole number of at least `minimum` and at most `maximum`. */
export function wholeNumber(
  options: OptionValues,
  name: string,
  { otherwise, minimum = 1, maximum = Number.MAX_SAFE_INTEGER }: NumberOptions,
): number {
  const text = options.get(name)
  if (text === undefined) return otherwise
  return toWholeNumber(text, name, minimum, maximum)
}

interface NumberOptions {
  readonly otherwise: number
  readonly minimum?: number
  readonly maximum?: number
}

/** Whole numbers with commas between them. */
export function wholeNumbers(
  options: OptionValues,
  name: string,
  otherwise: readonly number[],
): readonly number[] {
  const text = options.get(name)
  return text === undefined ? otherwise : text.split(',').map(part => toWholeNumber(part, name, 1, 10_000))
}

function toWholeNumber(text: string, name: string, minimum: number, maximum: number): number {
  const number = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (number >= minimum && number <= maximum) return number
  throw usageError(`--${name} takes a whole number from ${minimum} to ${maximum}, not '${text}'.`)
}

/** Thumbprints with commas between them. */
export function thumbprints(options: OptionValues, name: string): Thumbprint[] {
  const text = requiredText(options, name)
  const parts = text.split(',').filter(part => part.trim() !== '')
  if (parts.length === 0) throw usageError(`--${name} needs a thumbprint.`)
  return parts.map(part => {
    try {
      return parseThumbprint(part)
    } catch (error) {
      throw usageError(`--${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
}

/** `https://host:port/` of an option `HOST:PORT`. */
export function address(options: OptionValues, name: string): string {
  const text = requiredText(options, name)
  const withScheme = /^https:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  // The parser drops a port of 443, which is a port all the same.
  if (!url || url.hostname === '' || !/:\d+\/?$/.test(text)) {
    throw usageError(`--${name} takes HOST:PORT, not '${text}'.`)
  }
  return `https://${url.hostname}:${url.port || '443'}/`
}

/** What is polled: `https://host:port/` of an option `HOST:PORT`, or a `wss://HOST:PORT/PATH` as it is. */
export function polledAddress(options: OptionValues, name: string): string {
  const text = requiredText(options, name)
  if (!/^wss:/i.test(text)) return address(options, name)
  if (/^wss:\/\/[^/?#\s]+:\d+(\/[^#\s]*)?$/i.test(text) && URL.canParse(text)) return text
  throw usageError(`--${name} takes HOST:PORT or wss://HOST:PORT/PATH, not '${text}'.`)
}

/** Options that say through which proxy is dialled. */
export const proxyOptions = {
  proxy: { value: 'HOST:PORT', help: 'dials through this HTTP proxy, by CONNECT' },
  'proxy-user': { value: 'NAME', help: 'user name for the proxy' },
  'proxy-password': { value: 'PASSWORD', help: 'its password' },
} as const satisfies Record<string, OptionSpec>

/** The proxy of {@link proxyOptions}, as a part of an endpoint. */
export function proxyOf(options: OptionValues): { readonly proxy?: HttpProxy } {
  const [userName, password] = [options.get('proxy-user'), options.get('proxy-password')]
  if (!options.has('proxy')) {
    if (userName !== undefined || password !== undefined)
      throw usageError('--proxy-user and --proxy-password need --proxy.')
    return {}
  }
  if (userName === undefined && password !== undefined)
    throw usageError('--proxy-password needs --proxy-user.')
  const { hostname, port } = new URL(address(options, 'proxy'))
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const credentials = {
    ...(userName !== undefined && { userName }),
    ...(password !== undefined && { password }),
  }
  // The parser drops a port of 443.
  return { proxy: { host, port: Number(port || '443'), ...credentials } }
}

/** The path of an option, for those who listen for WebSockets. */
export function webSocketPath(
  options: OptionValues,
  name = 'websocket',
): { readonly webSocketPath?: string } {
  const path = options.get(name)
  if (path === undefined) return {}
  if (/^\/[^\s?#]*$/.test(path)) return { webSocketPath: path }
  throw usageError(`--${name} takes a path such as /HalibutWebSocket, not '${path}'.`)
}

/** `poll://name/` of an option. */
export function subscription(options: OptionValues, name = 'subscription'): string {
  const text = requiredText(options, name)
  if (!/^poll:\/\/[^/\s]+\/?$/i.test(text)) {
    throw usageError(`--${name} takes poll://NAME without a path, not '${text}'.`)
  }
  return text.replace(/\/$/, '').toLowerCase()
}
