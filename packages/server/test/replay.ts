import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { type Answer, type Body, createClient, textOf } from './client.ts'
import { isFromTemplate, type RecordedRequest, type Recording, valuesAt, withValueAt } from './recording.ts'

/** Where a flow is played, and who plays it. */
export interface Stage {
  /** Address of the server, with the prefix. */
  readonly base: string
  readonly commsPort: number
  readonly apiKey: string
  readonly accessToken: string
  /** Stands for the recorded Tentacle's certificate. */
  readonly agentThumbprint: string
  /** Put in for other recorded texts, e.g. the host of a machine to be discovered. */
  readonly texts?: Readonly<Record<string, string>>
  /** What happens before a request, e.g. what another client does meanwhile. */
  readonly before?: Readonly<Record<number, () => Promise<unknown>>>
}

/** The smallest zip archive: its closing record alone. */
const emptyZip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex')

interface Part {
  readonly headers: Readonly<Record<string, string>>
}

/** The parts of an upload with the recorded headers, as the client wrote them. */
function multipart(
  parts: readonly Part[],
  contentType: string,
): { readonly bytes: Buffer; readonly contentType: string } {
  const boundary = 'recorded-boundary-4711'
  const chunks = parts.flatMap(({ headers }) => [
    Buffer.from(
      `--${boundary}\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    ),
    emptyZip,
    Buffer.from('\r\n'),
  ])
  return {
    bytes: Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]),
    contentType: contentType.replace('<boundary>', boundary),
  }
}

/** The request to the comms port, as the recorded client sends it before it registers. */
async function handshake(
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly thumbprint: string }> {
  return new Promise((resolve, reject) => {
    const call = httpsRequest(
      {
        host: 'localhost',
        port,
        path,
        method: 'POST',
        rejectUnauthorized: false,
        agent: false,
        headers: { 'Content-Length': 0 },
      },
      response => {
        const peer = (response.socket as TLSSocket).getPeerX509Certificate()
        const thumbprint = peer instanceof X509Certificate ? peer.fingerprint.replaceAll(':', '') : ''
        response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, thumbprint }))
      },
    )
    call.on('error', reject).end()
  })
}

function isMultipart(body: unknown): body is { readonly multipart: readonly Part[] } {
  return typeof body === 'object' && body !== null && 'multipart' in body
}

/** Every link in an answer. */
function linksIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(linksIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'Links' && typeof inner === 'object' && inner !== null
      ? Object.values(inner).filter(link => typeof link === 'string')
      : linksIn(inner),
  )
}

/** Plays a recorded flow against a server: every status is as recorded and every answer holds what its client needed. */
export async function replay(recording: Recording, stage: Stage): Promise<void> {
  const answers = new Map<number, Answer>()
  const client = createClient(new URL(stage.base).origin)
  let cookies = new Map<string, string>()
  let commsThumbprint: string | undefined

  function actual(text: string): string {
    let result = text.replaceAll('<agent thumbprint>', stage.agentThumbprint)
    for (const [recorded, ours] of Object.entries(stage.texts ?? {})) {
      if (result === recorded) result = ours
    }
    return result
  }

  /** `Items[Name=host1]` with the name that stands for it here. */
  function actualPath(path: string): string {
    return path.replace(/=([^\]]*)\]/g, (_all, name: string) => `=${actual(name)}]`)
  }

  function bound(request: RecordedRequest) {
    let { path, body } = request
    const query: Record<string, string> = { ...request.query }
    for (const { value, in: places, from, at } of request.binds ?? []) {
      if (from === null || at === undefined) continue
      const answer = answers.get(from)
      const [ours] = valuesAt(answer?.list.length ? answer.list : answer?.body, actualPath(at))
      assert.ok(typeof ours === 'string', `request ${request.n}: answer ${from} has no ${at}`)
      for (const place of places) {
        if (place === 'path')
          path = path
            .split('/')
            .map(part => (part === value || decodeURIComponent(part) === value ? ours : part))
            .join('/')
        else if (place.startsWith('query.')) {
          const name = place.slice(6)
          query[name] = (query[name] ?? '')
            .split(',')
            .map(item => (item === value ? ours : item))
            .join(',')
        } else if (place.startsWith('body.')) body = withValueAt(body, place.slice(5), ours)
      }
    }
    for (const [name, value] of Object.entries(query)) query[name] = actual(value)
    const texts = (value: unknown): unknown => {
      if (typeof value === 'string') return actual(value)
      if (Array.isArray(value)) return value.map(texts)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, texts(item)]))
    }
    return { path, query, body: texts(body) }
  }

  function headersOf({ headers }: RecordedRequest): Record<string, string> {
    const sent: Record<string, string> = {}
    for (const [name, value] of Object.entries(headers)) {
      if (name === 'X-Octopus-ApiKey')
        sent[name] = value === 'present' ? stage.apiKey : value === 'empty' ? '' : 'API-WRONGWRONGWRONG'
      else if (name === 'Authorization') sent[name] = `Bearer ${stage.accessToken}`
      else if (name === 'Cookie')
        sent[name] = [...cookies].map(([key, cookie]) => `${key}=${cookie}`).join('; ')
      else if (name === 'X-Octopus-Csrf-Token')
        sent[name] = [...cookies].find(([key]) => key.startsWith('Octopus-Csrf-Token'))?.[1] ?? ''
      else if (name !== 'Content-Length' && name !== 'Accept-Encoding') sent[name] = value
    }
    return sent
  }

  /** The recorded link is there, and some link that the client has seen gives this address with all its parameters. */
  function checkLink(
    { n, link }: RecordedRequest,
    path: string,
    query: Readonly<Record<string, string>>,
  ): void {
    if (link === undefined) return
    const answer = answers.get(link.from)
    const [recorded] = valuesAt(answer?.list.length ? answer.list : answer?.body, actualPath(link.link))
    assert.ok(typeof recorded === 'string', `request ${n}: answer ${link.from} has no ${link.link}`)
    const seen = [...answers.values()].flatMap(each => [...linksIn(each.list), ...linksIn(each.body)])
    const isKnown = seen.some(template => isFromTemplate(template, path, query))
    assert.ok(
      isKnown,
      `request ${n}: ${path} ${JSON.stringify(query)} does not come of any link, such as ${recorded}`,
    )
  }

  function checkNeeds({ n, needs = [], path }: RecordedRequest, answer: Answer): void {
    const whole: unknown = answer.text.startsWith('[') ? answer.list : answer.body
    for (const need of needs) {
      const values = valuesAt(whole, need)
      assert.ok(
        !values.includes(undefined),
        `request ${n} (${path}): the answer has no ${need}: ${answer.text.slice(0, 400)}`,
      )
    }
  }

  for (const request of recording.requests) {
    await stage.before?.[request.n]?.()
    if (request.to !== undefined) {
      const { status, thumbprint } = await handshake(stage.commsPort, request.path)
      assert.equal(status, request.answered.status)
      commsThumbprint = thumbprint
      continue
    }
    const { path, query, body } = bound(request)
    checkLink(request, path, query)
    const headers = headersOf(request)
    const search = Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query)}`
    const form = isMultipart(body) ? multipart(body.multipart, headers['Content-Type'] ?? '') : undefined
    const answer = await client.send(
      request.method,
      path + search,
      form === undefined ? (body ?? undefined) : form.bytes.toString('latin1'),
      form === undefined ? headers : { ...headers, 'Content-Type': form.contentType },
    )
    assert.equal(
      answer.status,
      request.answered.status,
      `request ${request.n}: ${request.method} ${path}${search}: ${answer.text}`,
    )
    checkNeeds(request, answer)
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';', 1)
      const at = pair.indexOf('=')
      cookies = new Map(cookies).set(pair.slice(0, at), pair.slice(at + 1))
    }
    answers.set(request.n, answer)
    if (path.endsWith('/certificate-global') && commsThumbprint !== undefined) {
      // The Tentacle will require this certificate on the comms port.
      assert.equal(textOf(answer.body, 'Thumbprint'), commsThumbprint)
    }
  }
}

/** An item of a list by its name. */
export function named(items: readonly Body[], name: string): Body {
  const item = items.find(each => each.Name === name)
  assert.ok(item !== undefined, `there is no ${name}`)
  return item
}
