import type { IncomingMessage } from 'node:http'

/** How a request is routed, after all aliases of addresses and verbs are resolved. */
export interface RewrittenRequest {
  readonly method: string
  /** Path and query for the router. */
  readonly url: string
  /** The address without the web prefix, otherwise as it was sent. */
  readonly address: string
  /** Id, slug or name of the space in the address; null when there was none. */
  readonly spaceText: string | null
}

/** First path segments after `/api/` (or after `/api/{space}/`), lower case. */
export interface KnownSegments {
  readonly global: ReadonlySet<string>
  readonly inSpace: ReadonlySet<string>
}

/** Stands in the router's paths for "the default space". */
export const defaultSpaceSegment = '~'

const overridable = new Set(['PUT', 'DELETE', 'PATCH'])

/** C# clients send every PUT and DELETE as a POST with this header: docs/wire/server-api.md, verbs. */
function effectiveMethod(method: string, override: string | string[] | undefined): string {
  const wanted = typeof override === 'string' ? override.trim().toUpperCase() : ''
  return method === 'POST' && overridable.has(wanted) ? wanted : method
}

function withoutPrefix(url: string, prefix: string): string | undefined {
  if (prefix === '') return url
  const head = url.slice(0, prefix.length).toLowerCase()
  if (head !== prefix.toLowerCase()) return undefined
  const rest = url.slice(prefix.length)
  if (rest === '') return '/'
  return rest.startsWith('/') ? rest : rest.startsWith('?') ? `/${rest}` : undefined
}

/** Routes that are read with the name of a space in front of them, and the names they really have. */
function resolveAliases(path: string, known: KnownSegments): { path: string; spaceText: string | null } {
  const [, api = '', ...segments] = path.split('/')
  if (api.toLowerCase() !== 'api') return { path, spaceText: null }
  while (segments.at(-1) === '') segments.pop()
  if (segments.length === 0) return { path: '/api', spaceText: null }
  const lower = segments.map(segment => segment.toLowerCase())
  const join = (...parts: readonly string[]): string => ['/api', ...parts].join('/')

  if (lower[0] === 'certificates' && lower[1] === 'certificate-global') {
    return { path: join('configuration', ...segments), spaceText: null }
  }
  // `/api/spaces/{space}/machines` is `/api/{space}/machines`; `/api/spaces/all` and the like have no third segment.
  const rest = lower[0] === 'spaces' && segments.length > 2 ? segments.slice(1) : segments
  const [first = '', second = ''] = rest.map(segment => segment.toLowerCase())
  if (rest === segments) {
    if (known.inSpace.has(first))
      return { path: join(defaultSpaceSegment, ...segments), spaceText: defaultSpaceSegment }
    if (known.global.has(first)) return { path: join(...segments), spaceText: null }
  }
  const spaceText = decode(rest[0] ?? '')
  if (second !== '' && !known.inSpace.has(second) && known.global.has(second)) {
    return { path: join(...rest.slice(1)), spaceText }
  }
  return { path: join(...rest), spaceText }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Resolves everything that clients may write differently. Undefined: the address is outside of the web prefix. */
export function rewriteRequest(
  { method = 'GET', url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  prefix: string,
  known: KnownSegments,
): RewrittenRequest | undefined {
  const address = withoutPrefix(url, prefix)
  if (address === undefined) return undefined
  const at = address.indexOf('?')
  const path = at < 0 ? address : address.slice(0, at)
  // A plus sign in a query is a blank; the router's parser would keep it.
  const query = at < 0 ? '' : address.slice(at).replaceAll('+', '%20')
  const resolved = resolveAliases(path, known)
  return {
    method: effectiveMethod(method, headers['x-http-method-override']),
    url: resolved.path + query,
    address,
    spaceText: resolved.spaceText,
  }
}
