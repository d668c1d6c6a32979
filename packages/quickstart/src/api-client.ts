import { QuickstartError } from './options.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** One thing of the REST API. Fields are read by name and checked where they are used. */
export type Resource = Readonly<Record<string, unknown>> & { readonly Id: string }

/** The text of a field, or a clear error: the server answered something else than expected. */
export function textOf(resource: Readonly<Record<string, unknown>>, field: string): string {
  const value = resource[field]
  if (typeof value !== 'string') throw new QuickstartError(`The server's answer has no text in '${field}'.`)
  return value
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface ServerSentEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: unknown
}

/** The small part of the REST API that the walk uses, as any client would. */
export class ApiClient {
  readonly base: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(base: string, headers: Readonly<Record<string, string>>) {
    this.base = base
    this.#headers = headers
  }

  static withKey(base: string, apiKey: string): ApiClient {
    return new ApiClient(base, { 'X-Octopus-ApiKey': apiKey })
  }

  /** Signs in with a password: keeps the session cookies and sends the CSRF token back, as a browser would. */
  static async signIn(base: string, username: string, password: string): Promise<ApiClient> {
    const answer = await fetch(`${base}/api/users/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ Username: username, Password: password }),
    })
    if (!answer.ok) {
      throw new QuickstartError(
        `The server did not accept the password of '${username}' that the first start saved (${answer.status}). Was it ` +
          'changed since? Then put the new one into quickstart.json in the home folder.',
      )
    }
    const cookies = answer.headers.getSetCookie().map(cookie => cookie.split(';')[0] ?? '')
    const token =
      cookies
        .find(cookie => cookie.startsWith('Octopus-Csrf-Token'))
        ?.split('=')
        .slice(1)
        .join('=') ?? ''
    return new ApiClient(base, {
      Cookie: cookies.join('; '),
      'X-Octopus-Csrf-Token': decodeURIComponent(token),
    })
  }

  async request(method: string, path: string, body?: Json | FormData): Promise<unknown> {
    const isForm = body instanceof FormData
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        ...this.#headers,
        ...(body === undefined || isForm ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (answer.ok) return text === '' ? undefined : JSON.parse(text)
    throw new ApiError(method, path, answer.status, text)
  }

  async get(path: string): Promise<Resource> {
    return this.#resource('GET', path)
  }

  async post(path: string, body: Json | FormData): Promise<Resource> {
    return this.#resource('POST', path, body)
  }

  async put(path: string, body: Json): Promise<Resource> {
    return this.#resource('PUT', path, body)
  }

  async #resource(method: string, path: string, body?: Json | FormData): Promise<Resource> {
    const answer = await this.request(method, path, body)
    if (!isRecord(answer)) throw new QuickstartError(`${method} ${path} answered no object.`)
    return { ...answer, Id: typeof answer.Id === 'string' ? answer.Id : '' }
  }

  /** The items of a list that is asked for whole. */
  async items(path: string): Promise<readonly Resource[]> {
    const answer = await this.get(path)
    return Array.isArray(answer.Items) ? answer.Items : []
  }

  /** The events of a stream until it ends or `signal` aborts. The caller reconnects with the last id. */
  async *events(
    path: string,
    lastId: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ServerSentEvent> {
    const answer = await fetch(`${this.base}${path}`, {
      headers: {
        ...this.#headers,
        Accept: 'text/event-stream',
        ...(lastId ? { 'Last-Event-ID': lastId } : {}),
      },
      signal,
    })
    if (!answer.ok || answer.body === null)
      throw new ApiError('GET', path, answer.status, await answer.text())
    let rest = ''
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event) yield event
      }
    }
  }
}

/** The server refused a request. The message holds what the server said. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path} was answered with ${status}: ${ApiError.#reason(body)}`)
    this.status = status
  }

  static #reason(body: string): string {
    try {
      const parsed: unknown = JSON.parse(body)
      if (!isRecord(parsed)) return body
      const errors = Array.isArray(parsed.Errors) ? parsed.Errors : []
      return [parsed.ErrorMessage, ...errors].filter(part => typeof part === 'string').join(' ')
    } catch {
      return body.slice(0, 300)
    }
  }
}

/** Reads one block of a `text/event-stream`; comments and blocks without data are nothing. */
export function parseEvent(block: string): ServerSentEvent | undefined {
  let id: string | undefined
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const at = line.indexOf(':')
    if (at <= 0) continue
    const value = line.slice(at + 1).replace(/^ /, '')
    const field = line.slice(0, at)
    if (field === 'id') id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return data.length === 0 ? undefined : { id, event, data: JSON.parse(data.join('\n')) }
}
