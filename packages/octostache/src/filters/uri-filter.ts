import type { Filter, FilterTable } from './filter-table.ts'

const defaultPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ftp: 21,
  ftps: 990,
  ws: 80,
  wss: 443,
  ssh: 22,
  telnet: 23,
  ldap: 389,
  gopher: 70,
  nntp: 119,
  mailto: 25,
}

interface UriParts {
  readonly scheme: string
  readonly userInfo: string
  readonly host: string
  readonly port: number
  readonly isDefaultPort: boolean
  readonly path: string
  readonly query: string
  readonly fragment: string
}

/** `scheme://[user@]host[:port]/path?query#fragment`, or `scheme:path`; `undefined` for anything else. */
function readUri(text: string): UriParts | undefined {
  const parts = /^([a-z][a-z\d+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(text.trim())
  if (parts === null) return undefined
  const [, scheme = '', authority, path = '', query = '', fragment = ''] = parts
  const at = authority?.lastIndexOf('@') ?? -1
  const hostAndPort = authority?.slice(at + 1) ?? ''
  const port = /:(\d{1,5})$/.exec(hostAndPort)?.[1]
  const host = port === undefined ? hostAndPort : hostAndPort.slice(0, -port.length - 1)
  if (/[\s\\<>"]/.test(hostAndPort) || Number(port ?? 0) > 65535) return undefined
  const defaultPort = defaultPorts[scheme.toLowerCase()] ?? -1
  return {
    scheme: scheme.toLowerCase(),
    userInfo: at < 0 ? '' : (authority?.slice(0, at) ?? ''),
    host: host.toLowerCase(),
    port: port === undefined ? defaultPort : Number(port),
    isDefaultPort: port === undefined || Number(port) === defaultPort,
    path:
      path === '' && authority !== undefined ? '/' : encodeURI(path.toWellFormed()).replaceAll('%25', '%'),
    query,
    fragment,
  }
}

const bool = (value: boolean) => (value ? 'True' : 'False')

function hostAndPort(uri: UriParts): string {
  return uri.isDefaultPort ? uri.host : `${uri.host}:${uri.port}`
}

function hostNameType({ host, scheme }: UriParts): string {
  if (host === '') return scheme === 'file' ? 'Basic' : 'Unknown'
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)) return 'IPv4'
  return host.startsWith('[') ? 'IPv6' : 'Dns'
}

function absoluteUri(uri: UriParts): string {
  const user = uri.userInfo === '' ? '' : `${uri.userInfo}@`
  const authority = uri.host === '' && uri.scheme !== 'file' ? '' : `//${user}${hostAndPort(uri)}`
  return `${uri.scheme}:${authority}${uri.path}${uri.query}${uri.fragment}`
}

const uriParts: Readonly<Record<string, (uri: UriParts) => string>> = {
  absolutepath: uri => uri.path,
  absoluteuri: absoluteUri,
  authority: hostAndPort,
  dnssafehost: uri => uri.host.replace(/^\[|\]$/g, ''),
  fragment: uri => uri.fragment,
  host: uri => uri.host,
  hostandport: uri => `${uri.host}:${uri.port}`,
  hostnametype: hostNameType,
  isabsoluteuri: () => 'True',
  isdefaultport: uri => bool(uri.isDefaultPort),
  isfile: uri => bool(uri.scheme === 'file'),
  isloopback: uri =>
    bool(['localhost', 'loopback', '[::1]'].includes(uri.host) || uri.host.startsWith('127.')),
  isunc: uri => bool(uri.scheme === 'file' && uri.host !== ''),
  path: uri => uri.path,
  pathandquery: uri => uri.path + uri.query,
  port: uri => String(uri.port),
  query: uri => uri.query,
  scheme: uri => uri.scheme,
  schemeandserver: uri => `${uri.scheme}://${hostAndPort(uri)}`,
  userinfo: uri => uri.userInfo,
}

/** One part of an address. Mistakes are answered as text, because users look for the reason in the output. */
const uriPart: Filter = (input, options) => {
  if (input === undefined) return undefined
  const [name] = options
  if (name === undefined) return '[UriPart error: no argument given]'
  const read = Object.hasOwn(uriParts, name.toLowerCase()) ? uriParts[name.toLowerCase()] : undefined
  if (read === undefined) return `[UriPart ${name} error: argument '${name}' not supported]`
  const uri = readUri(input)
  if (uri !== undefined) return read(uri)
  return name.toLowerCase() === 'isabsoluteuri'
    ? 'False'
    : `[UriPart ${name} error: '${input}' is no absolute address]`
}

export const uriFilters: FilterTable = { uripart: uriPart }
