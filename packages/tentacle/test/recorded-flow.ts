import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import { close, listen } from './stand-in-server.ts'

const fixtures = join(import.meta.dirname, 'fixtures')

/** The head of a recording: what was run, and what came of it. */
export interface FlowHead {
  readonly flow: string
  readonly commands: readonly string[]
  readonly exitCode: number | readonly number[]
  readonly trustsAfter: readonly {
    readonly Thumbprint: string
    readonly CommunicationStyle: string
    readonly Address: string | null
    readonly SubscriptionId: string | null
  }[]
}

/** One request of a recording with the answer that it got. */
export interface FlowStep {
  readonly n: number
  /** Set for the handshake, which goes to the port for agents. */
  readonly to?: string
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answered: {
    readonly status: number
    readonly body?: unknown
    readonly sameAs?: number
    readonly setCookie?: readonly string[]
  }
  readonly mutable: readonly string[]
  readonly bodyFrom?: { readonly added: readonly string[] }
}

export interface RecordedFlow {
  readonly head: FlowHead
  readonly steps: readonly FlowStep[]
}

export function readFlow(name: string): RecordedFlow {
  const [head, ...steps] = readFileSync(join(fixtures, 'server-api', `${name}.jsonl`), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
  return { head, steps }
}

/** A real server that answers one request after the other as recorded, and remembers what differed. */
export interface FlowServer {
  readonly webPort: number
  readonly commsPort: number
  /** Fails if a request differed from the recording, or did not come. */
  assertAllCame(): void
  close(): Promise<void>
}

export async function startFlowServer({ steps }: RecordedFlow, agentThumbprint: string): Promise<FlowServer> {
  const tls = {
    key: readFileSync(join(fixtures, 'files/server.key')),
    cert: readFileSync(join(fixtures, 'files/server.crt')),
    requestCert: true,
    rejectUnauthorized: false,
  }
  const problems: string[] = []
  let at = 0
  const listener =
    (port: 'web' | 'comms'): RequestListener =>
    (request, response) => {
      void bodyOf(request).then(body => {
        const step = steps[at]
        at += 1
        if (step === undefined) {
          problems.push(`an unexpected request came: ${request.method} ${request.url}`)
          response.writeHead(404).end()
          return
        }
        problems.push(...differences(step, port, request, body, agentThumbprint))
        const { status, setCookie = [] } = step.answered
        response.writeHead(status, {
          'Content-Type': 'application/json',
          'Set-Cookie': setCookie.map(cookieText),
        })
        const answer = answerOf(steps, step)
        response.end(answer === undefined ? '' : JSON.stringify(answer))
      })
    }
  const web = createServer(listener('web'))
  const comms = createTlsServer(tls, listener('comms'))
  const [webPort, commsPort] = [await listen(web), await listen(comms)]
  return {
    webPort,
    commsPort,
    assertAllCame() {
      assert.deepEqual(problems, [])
      assert.equal(
        at,
        steps.length,
        `only ${at} of ${steps.length} requests came; next was ${steps[at]?.path}`,
      )
    },
    close: async () => void (await Promise.all([close(web), close(comms)])),
  }
}

function answerOf(steps: readonly FlowStep[], { answered }: FlowStep): unknown {
  if (answered.sameAs === undefined) return answered.body
  const same = steps.find(({ n }) => n === answered.sameAs)
  return same === undefined ? undefined : answerOf(steps, same)
}

/** Recordings keep the names of cookies only; any value will do. */
function cookieText(name: string): string {
  return name.includes('=') ? name : `${name}=value-of-${name}; path=/`
}

function differences(
  step: FlowStep,
  port: 'web' | 'comms',
  request: IncomingMessage,
  body: string,
  agentThumbprint: string,
): string[] {
  const where = `request ${step.n}, ${step.method} ${step.path}`
  const url = new URL(request.url ?? '', 'http://server')
  const found: string[] = []
  const check = (what: string, seen: unknown, wanted: unknown) => {
    try {
      assert.deepEqual(seen, wanted)
    } catch {
      found.push(`${where}: ${what} is ${JSON.stringify(seen)}, recorded ${JSON.stringify(wanted)}`)
    }
  }
  check('port', port, step.to === undefined ? 'web' : 'comms')
  check('method and path', `${request.method} ${url.pathname}`, `${step.method} ${step.path}`)
  const query = Object.fromEntries(
    Object.entries(step.query).map(([key, value]) => [
      key,
      value === '<agent thumbprint>' ? agentThumbprint : value,
    ]),
  )
  check('query', Object.fromEntries(url.searchParams), query)
  for (const [name, recorded] of Object.entries(step.headers)) {
    check(`header ${name}`, matches(request.headers[name.toLowerCase()], recorded, name), true)
  }
  if (step.body !== undefined) {
    const sent: unknown = JSON.parse(body)
    check('body', normalized(sent, step, agentThumbprint), normalized(step.body, step, agentThumbprint))
  } else check('body', body, '')
  return found
}

function matches(seen: string | string[] | undefined, recorded: string, name: string): boolean {
  const text = String(seen ?? '')
  if (name === 'User-Agent') return /^OctopusClient-dotnet\/\S+ \(.+; x64|arm64\) NoneOrUnknown$/.test(text)
  if (recorded === 'present' || recorded === 'wrong') return text !== ''
  if (name === 'Cookie')
    return recorded.split(/[;,]\s*/).every(cookie => text.includes(cookie.split('=')[0] ?? cookie))
  if (name === 'X-Octopus-Csrf-Token' || name === 'Authorization') return text !== ''
  return text === recorded
}

/** A body without what differs from run to run: the thumbprint of the agent and generated subscriptions. */
function normalized(body: unknown, step: FlowStep, agentThumbprint: string): unknown {
  const text = JSON.stringify(body)
    .replaceAll(agentThumbprint, '<agent thumbprint>')
    .replaceAll(/poll:\/\/[b-z2-9]{20}\//g, 'poll://<id>/')
  const copy: Record<string, unknown> = JSON.parse(text)
  for (const path of step.mutable.filter(name => name.startsWith('body.')))
    blank(copy, path.slice(5).split('.'))
  return copy
}

function blank(target: unknown, [first = '', ...rest]: readonly string[]): void {
  if (typeof target !== 'object' || target === null) return
  const members = target as Record<string, unknown>
  if (rest.length === 0) members[first] = '<mutable>'
  else blank(members[first], rest)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
