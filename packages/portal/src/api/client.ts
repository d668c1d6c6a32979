import { ApiError, errorFromAnswer } from './api-error.ts'
import { asObject, text } from './read.ts'

/** What a client needs from its surroundings; in the browser these are `fetch` and `document.cookie`. */
export interface ApiClientParts {
  /** The server's own address, with the folder it lives in and a slash at the end: `https://host/octopus/`. */
  readonly root: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** The cookies that scripts may read, as one text. */
  readonly cookies: () => string
}

/** The server's root document. */
export interface ServerRoot {
  readonly version: string
  readonly installationId: string
}

/** Talks to the REST API. Paths are relative to the server's address: `api/tasks`. All failures are `ApiError`s. */
export interface ApiClient {
  /** The full address of a path, for links and downloads. */
  url(path: string): string
  /** The root document; asked once. */
  serverRoot(): Promise<ServerRoot>
  /** The headers that a change needs: the session's token against forged requests. */
  changeHeaders(): Promise<Record<string, string>>
  /** Whether the browser holds the cookies of a session. It may have ended all the same. */
  hasSession(): Promise<boolean>
  get(path: string, signal?: AbortSignal): Promise<unknown>
  post(path: string, body: unknown, signal?: AbortSignal): Promise<unknown>
  delete(path: string): Promise<unknown>
  /** Opens an answer that is read while it comes, such as a stream of events. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>
}

/** Makes a client. Nothing is sent before the first call. */
export function createApiClient({ root, fetch, cookies }: ApiClientParts): ApiClient {
  let known: Promise<ServerRoot> | undefined

  async function send(path: string, init: RequestInit): Promise<Response> {
    let answer: Response
    try {
      answer = await fetch(new URL(path, root).href, {
        credentials: 'same-origin',
        cache: 'no-store',
        ...init,
      })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw new ApiError('ERR_UNREACHABLE', 'The server does not answer.', { cause })
    }
    if (!answer.ok) throw errorFromAnswer(answer.status, await answer.text())
    return answer
  }

  async function call(path: string, init: RequestInit): Promise<unknown> {
    const answer = await send(path, init)
    const body = await answer.text()
    if (body === '') return {}
    try {
      return JSON.parse(body)
    } catch (cause) {
      const message = `${new URL(path, root).pathname} answered with something that is not JSON. Is this the right server?`
      throw new ApiError('ERR_BAD_ANSWER', message, { status: answer.status, cause })
    }
  }

  async function readRoot(): Promise<ServerRoot> {
    const answer = asObject(await call('api', {}))
    return { version: text(answer, 'Version'), installationId: text(answer, 'InstallationId') }
  }

  /** Several servers may share a host name (ports do not part cookies), so the cookie is found by its full name. */
  async function csrfToken(): Promise<string | undefined> {
    const { installationId } = await client.serverRoot()
    return readCookie(cookies(), `Octopus-Csrf-Token_${installationId}`)
  }

  async function change(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
    const headers = { 'Content-Type': 'application/json', ...(await client.changeHeaders()) }
    return call(path, { method, headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) })
  }

  const client: ApiClient = {
    url: path => new URL(path, root).href,
    serverRoot() {
      known ??= readRoot().catch(error => {
        known = undefined
        throw error
      })
      return known
    },
    async changeHeaders() {
      const token = await csrfToken()
      return token === undefined ? {} : { 'X-Octopus-Csrf-Token': token }
    },
    hasSession: async () => (await csrfToken()) !== undefined,
    get: (path, signal) => call(path, signal ? { signal } : {}),
    post: (path, body, signal) => change('POST', path, body, signal),
    delete: path => change('DELETE', path, {}),
    open: (path, headers, signal) => send(path, { headers, signal }),
  }
  return client
}

/** The value of one cookie, decoded. */
export function readCookie(cookies: string, name: string): string | undefined {
  for (const part of cookies.split(';')) {
    const at = part.indexOf('=')
    if (at < 0 || part.slice(0, at).trim() !== name) continue
    const value = part.slice(at + 1).trim()
    try {
      return decodeURIComponent(value)
    } catch {
      return value
    }
  }
  return undefined
}
