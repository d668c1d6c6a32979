import assert from 'node:assert/strict'

/** Of the administrator of every test server. */
export const adminPassword = 'Secret-1'

/** Whatever JSON came; tests look into it by name. */
export type Body = Readonly<Record<string, unknown>>

/** An answer with its body read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
  readonly list: readonly Body[]
  readonly text: string
}

/** A small client of the REST API that sends what it is told. */
export interface Client {
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>
  /** As send; fails unless the answer is a success. */
  get(path: string): Promise<Body>
  items(path: string): Promise<readonly Body[]>
  post(path: string, body: unknown): Promise<Body>
  put(path: string, body: unknown): Promise<Body>
  remove(path: string): Promise<Body>
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string, type: string | null): unknown {
  return type?.includes('json') === true && text !== '' ? JSON.parse(text) : undefined
}

/** The member, which must be a text. */
export function textOf(body: Body, name: string): string {
  const value = body[name]
  assert.ok(typeof value === 'string', `${name} is ${JSON.stringify(value)}`)
  return value
}

/** The member, which must be an object. */
export function objectOf(body: Body, name: string): Body {
  const value = body[name]
  assert.ok(isBody(value), `${name} is ${JSON.stringify(value)}`)
  return value
}

/** The member, which must be a list of objects. */
export function listOf(body: Body, name: string): readonly Body[] {
  const value = body[name]
  assert.ok(Array.isArray(value), `${name} is ${JSON.stringify(value)}`)
  return value.filter(isBody)
}

/** Opens a client that sends these headers with each request. */
export function createClient(base: string, own: Readonly<Record<string, string>> = {}): Client {
  async function send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const isRaw = body instanceof FormData || typeof body === 'string'
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body === undefined || isRaw ? {} : { 'Content-Type': 'application/json' }),
        ...own,
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
      redirect: 'manual',
    })
    const text = await response.text()
    const parsed = parse(text, response.headers.get('content-type'))
    return {
      status: response.status,
      headers: response.headers,
      body: isBody(parsed) ? parsed : {},
      list: Array.isArray(parsed) ? parsed.filter(isBody) : [],
      text,
    }
  }
  async function demand(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await send(method, path, body)
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  return {
    send,
    get: async path => (await demand('GET', path)).body,
    items: async path => {
      const answer = await demand('GET', path)
      return answer.list.length > 0 || Array.isArray(parse(answer.text, 'json'))
        ? answer.list
        : listOf(answer.body, 'Items')
    },
    post: async (path, body) => (await demand('POST', path, body)).body,
    put: async (path, body) => (await demand('PUT', path, body)).body,
    remove: async path => (await demand('DELETE', path)).body,
  }
}

/** The cookies of an answer as a request sends them back. */
export function cookiesOf({ headers }: Answer): string {
  return headers
    .getSetCookie()
    .map(cookie => cookie.split(';', 1)[0])
    .join('; ')
}

/** Signs in as the administrator and makes an API key. */
export async function createAdminKey(base: string): Promise<string> {
  const anonymous = createClient(base)
  const answer = await anonymous.send('POST', '/api/users/login', {
    Username: 'admin',
    Password: adminPassword,
  })
  assert.equal(answer.status, 200, answer.text)
  const cookies = cookiesOf(answer)
  const csrf = /Octopus-Csrf-Token_[^=]*=([^;]*)/.exec(cookies)?.[1] ?? ''
  const session = createClient(base, { Cookie: cookies, 'X-Octopus-Csrf-Token': csrf })
  const { ApiKey: apiKey } = await session.post(`/api/users/${textOf(answer.body, 'Id')}/apikeys`, {
    Purpose: 'test',
  })
  assert.ok(typeof apiKey === 'string')
  return apiKey
}
