import { arch, release, type } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { type Dispatcher, request } from 'undici'
import { systemCode, TentacleError, toError } from '../errors.ts'
import { type ApiEndpoint, folderOf, rootPath } from './api-endpoint.ts'
import { describeRefusal } from './refusal.ts'
import { asResource, asResources, findLink, type Resource } from './resource.ts'

/** How long a server that does not answer yet is waited for. */
export interface StartPatience {
  /** Time limit in ms for the first answer. 60,000 in the original. */
  readonly limitMs: number
  /** Pause in ms between two tries. The original waits 500 after a 503 and 1,000 after a refused connection. */
  readonly pauseMs: number
}

/** What a client needs besides the endpoint. */
export interface ApiClientParts {
  readonly dispatcher: Dispatcher
  readonly patience: StartPatience
  readonly signal: AbortSignal
}

/** A single request may take this long, in ms. */
const requestTimeoutMs = 10 * 60 * 1000

/** A list that never ends is a broken server; real ones have a few hundred pages at most. */
const maximumPages = 10_000

const userAgent = `OctopusClient-dotnet/22.3.0 (${type()} ${release()}; ${arch()}) NoneOrUnknown`

/**
 * Speaks with the web API the way the original's client does: PUT and DELETE travel as POST with
 * `X-HTTP-Method-Override`, names are Pascal case, a sign-in by password is kept in cookies
 * (docs/wire/tentacle-registration.md 1).
 */
export class ApiClient {
  readonly #endpoint: ApiEndpoint
  readonly #parts: ApiClientParts
  readonly #cookies = new Map<string, string>()

  constructor(endpoint: ApiEndpoint, parts: ApiClientParts) {
    this.#endpoint = endpoint
    this.#parts = parts
  }

  /**
   * The root document. A server that refuses connections or answers 503 is starting and is asked again for a while.
   *
   * @throws TentacleError `ERR_UNREACHABLE` if it never answers, `ERR_SERVER` if it is no server that we can speak with.
   */
  async root(): Promise<Resource> {
    const path = rootPath(this.#endpoint)
    const root = asResource(await this.#patiently(() => this.get(path)), path)
    checkVersions(root, this.#endpoint.server)
    return root
  }

  async get(link: string): Promise<unknown> {
    return await this.#send('GET', link)
  }

  async post(link: string, body: unknown): Promise<unknown> {
    return await this.#send('POST', link, body)
  }

  async put(link: string, body: unknown): Promise<unknown> {
    return await this.#send('POST', link, body, 'PUT')
  }

  async delete(link: string): Promise<unknown> {
    return await this.#send('POST', link, undefined, 'DELETE')
  }

  /** All items of a list, over all its pages. */
  async all(link: string): Promise<Resource[]> {
    const items: Resource[] = []
    const seen = new Set<string>()
    for (let next: string | undefined = link; next !== undefined && seen.size < maximumPages; ) {
      if (seen.has(next))
        throw new TentacleError('ERR_SERVER', `The list at ${link} comes back to its own page ${next}.`)
      seen.add(next)
      const page: Resource = asResource(await this.get(next), next)
      items.push(...asResources(page.Items, next))
      next = findLink(page, 'Page.Next')
    }
    return items
  }

  async #send(
    method: 'GET' | 'POST',
    link: string,
    body?: unknown,
    override?: 'PUT' | 'DELETE',
  ): Promise<unknown> {
    const url = this.#resolve(link)
    const { dispatcher, signal } = this.#parts
    try {
      const response = await request(url, {
        method,
        dispatcher,
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
        headers: {
          Accept: 'application/json',
          'User-Agent': userAgent,
          ...this.#identity(),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
          ...(override === undefined ? {} : { 'X-HTTP-Method-Override': override }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      this.#keepCookies(response.headers['set-cookie'])
      const text = await bodyText(response)
      if (response.statusCode >= 200 && response.statusCode < 300) return parseAnswer(text, url)
      refuseToMove(response, url)
      throw describeRefusal(response.statusCode, text, `${override ?? method} ${url.pathname}`)
    } catch (error) {
      if (error instanceof TentacleError || signal.aborted) throw error
      throw new TentacleError(
        'ERR_UNREACHABLE',
        `The server at ${url.origin} cannot be reached: ${reason(error)}.`,
        {
          cause: error,
        },
      )
    }
  }

  #identity(): Record<string, string> {
    const { credentials } = this.#endpoint
    if (credentials.kind === 'apiKey') return { 'X-Octopus-ApiKey': credentials.apiKey }
    if (credentials.kind === 'bearer') return { Authorization: `Bearer ${credentials.token}` }
    if (this.#cookies.size === 0) return {}
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const csrf = [...this.#cookies].find(([name]) => name.startsWith('Octopus-Csrf-Token'))?.[1]
    return { Cookie: cookie, ...(csrf === undefined ? {} : { 'X-Octopus-Csrf-Token': csrf }) }
  }

  #keepCookies(headers: string | string[] | undefined): void {
    if (this.#endpoint.credentials.kind !== 'password') return
    for (const header of typeof headers === 'string' ? [headers] : (headers ?? [])) {
      const [, name, value] = /^\s*([^=;\s]+)\s*=\s*([^;]*)/.exec(header) ?? []
      if (name !== undefined && value !== undefined) this.#cookies.set(name, value.trim())
    }
  }

  /** Links are rooted, or start with `~` for the server's address; they never lead to another host. */
  #resolve(link: string): URL {
    const { server } = this.#endpoint
    const url = new URL(link.startsWith('~/') ? folderOf(server) + link.slice(1) : link, server)
    if (url.origin === server.origin) return url
    throw new TentacleError(
      'ERR_SERVER',
      `The server at ${server.origin} gave a link to another host, ${url.origin}; it is not followed.`,
    )
  }

  async #patiently(ask: () => Promise<unknown>): Promise<unknown> {
    const { patience, signal } = this.#parts
    const deadline = performance.now() + patience.limitMs
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (!isStarting(error) || performance.now() + patience.pauseMs > deadline) throw error
        await delay(patience.pauseMs, undefined, { signal })
      }
    }
  }
}

/** Proxies on the way pack answers although nobody has asked them to. */
async function bodyText({ headers, body }: Dispatcher.ResponseData): Promise<string> {
  const bytes = Buffer.from(await body.arrayBuffer())
  const encoding = headers['content-encoding']
  if (encoding === 'gzip') return gunzipSync(bytes).toString('utf8')
  return (encoding === 'br' ? brotliDecompressSync(bytes) : bytes).toString('utf8')
}

/**
 * A redirect is not followed: the key would go where nobody has sent it, and most clients turn the POST that registers
 * into a GET. The address that it leads to is what the operator needs.
 */
function refuseToMove({ statusCode, headers }: Dispatcher.ResponseData, url: URL): void {
  const { location } = headers
  if (statusCode < 300 || statusCode > 399 || typeof location !== 'string') return
  if (!URL.canParse(location, url.href)) return
  const target = new URL(location, url.href)
  throw new TentacleError(
    'ERR_SERVER',
    `The server at ${url.origin} sends its callers on to ${target.origin}${target.pathname}. If that is your server, give its address with --server.`,
    { details: { status: statusCode } },
  )
}

function isStarting(error: unknown): boolean {
  if (!(error instanceof TentacleError)) return false
  return error.code === 'ERR_UNREACHABLE' || error.details.status === 503
}

function parseAnswer(text: string, url: URL): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new TentacleError(
      'ERR_SERVER',
      `The answer of ${url.origin}${url.pathname} is not JSON. Is there an Octopus Server at this address?`,
      { cause },
    )
  }
}

/** The specification of the web API that this client speaks, and the releases of the server that have it. */
function checkVersions(root: Resource, server: URL): void {
  const api = String(root.ApiVersion ?? '')
  if (!/^3\.0(\.\d{1,2})?$/.test(api)) {
    throw new TentacleError(
      'ERR_SERVER',
      `The server at ${server.origin} speaks version '${api}' of the web API; this agent speaks 3.0.0 to 3.0.99.`,
    )
  }
  const major = Number.parseInt(String(root.Version ?? ''), 10)
  if (major >= 3 || major === 0) return
  throw new TentacleError(
    'ERR_SERVER',
    `The server at ${server.origin} has version '${String(root.Version ?? '')}'; this agent needs 3.0 or later.`,
  )
}

function reason(error: unknown): string {
  const code = systemCode(error)
  return code === undefined
    ? toError(error).message
    : `${toError(error).message || 'the connection failed'} (${code})`
}
