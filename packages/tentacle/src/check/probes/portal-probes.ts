import type { Readable } from 'node:stream'
import { type Dispatcher, request } from 'undici'
import { systemCode, TentacleError, toError } from '../../errors.ts'
import type { ProxySettings } from '../../settings/tentacle-settings.ts'
import { rootPath } from '../../web-api/api-endpoint.ts'
import { asResource, type Resource } from '../../web-api/resource.ts'
import { createWebDispatcher } from '../../web-api/web-dispatcher.ts'
import { type Finding, verdict } from '../finding.ts'
import { firstLine } from '../network/read-answer.ts'
import { resolveName } from '../network/resolve-name.ts'
import { type ProbeContext, probe, sentence } from '../probe.ts'
import { lookUpAgent, type RegistrationReport, type RegistrationWay } from './registration-probe.ts'

/** The web portal of a server, and what to look up there. */
export interface PortalWay extends RegistrationWay {
  readonly proxy: ProxySettings
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => Date
}

/** A clock that is wrong by more than this, in ms, makes tokens, logs and schedules wrong. */
const clockToleranceMs = 120_000

/** A root document has a few thousand bytes. */
const maximumBodyBytes = 1024 * 1024

/** Asks the portal for its root document, compares clocks, and looks up this agent if a user is given. */
export async function checkPortal(way: PortalWay, context: ProbeContext): Promise<RegistrationReport> {
  let problem: string | undefined
  const dispatcher = createWebDispatcher({
    ignoreSslErrors: way.ignoreSslErrors,
    proxy: way.proxy,
    env: way.env,
    onIgnoredCertificate: what => {
      problem = what
    },
  })
  try {
    const root = await readRoot(way, dispatcher, context, () => problem)
    const clock = root.clock ?? verdict('clock', 'the clock').skipped('The portal told no time.')
    const { findings, registered } = root.isServer
      ? await lookUpAgent(way, dispatcher, context)
      : {
          registered: undefined,
          findings: [verdict('registration', 'the registration').skipped('There is no server to ask.')],
        }
    return { findings: [root.finding, clock, ...findings], registered }
  } finally {
    await dispatcher.destroy()
  }
}

async function readRoot(
  way: PortalWay,
  dispatcher: Dispatcher,
  context: ProbeContext,
  ignoredProblem: () => string | undefined,
): Promise<{ readonly finding: Finding; readonly clock: Finding | undefined; readonly isServer: boolean }> {
  let clock: Finding | undefined
  let isServer = false
  const { server, proxy } = way
  // A user inside of the address is not shown.
  const url = new URL(rootPath(way), server.origin)
  const finding = await probe(context, ['portal', `GET ${url.href}`], async (answer, signal) => {
    if (proxy.host === undefined && !usesSystemProxy(way)) {
      const host = server.hostname.replaceAll(/[[\]]/g, '')
      const found = await resolveName(host, way.env, signal)
      if (found.kind === 'unknown')
        return answer.failed(
          `No address is known for ${host} (${found.code}).`,
          'Check the spelling of --server, and the name servers of this machine.',
        )
    }
    const startedAt = way.now().getTime()
    const response = await request(url, {
      dispatcher,
      signal,
      headers: { Accept: 'application/json' },
    }).catch((error: unknown) => toError(error))
    if (response instanceof Error) {
      if (signal.aborted) throw signal.reason
      return answer.failed(...unreachable(response, way))
    }
    clock = compareClocks(response.headers.date, startedAt, way.now().getTime())
    const text = await bodyOf(response.body)
    const judged = judgeRoot(response, text)
    if (!judged.isServer) return answer.failed(judged.detail, judged.next)
    isServer = true
    const ignored = ignoredProblem()
    return ignored === undefined
      ? answer.ok(judged.detail)
      : answer.warning(
          `${judged.detail} Its HTTPS certificate cannot be verified: ${ignored}.`,
          'Install the authority that issued it, and leave --ignoreSslErrors out.',
        )
  })
  return { finding, clock, isServer }
}

function usesSystemProxy({ proxy, env }: PortalWay): boolean {
  return (
    proxy.useDefault &&
    ['http_proxy', 'https_proxy'].some(name => (env[name] ?? env[name.toUpperCase()] ?? '') !== '')
  )
}

async function bodyOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    const part = Buffer.from(chunk)
    chunks.push(part)
    bytes += part.length
    if (bytes > maximumBodyBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

type RootVerdict =
  | { readonly isServer: true; readonly detail: string }
  | { readonly isServer: false; readonly detail: string; readonly next: string }

function judgeRoot({ statusCode, headers }: Dispatcher.ResponseData, text: string): RootVerdict {
  const by = typeof headers.server === 'string' ? `, by ${firstLine(headers.server)}` : ''
  const location = typeof headers.location === 'string' ? firstLine(headers.location) : undefined
  if (statusCode === 407) {
    return {
      isServer: false,
      detail: 'The proxy wants credentials (HTTP 407).',
      next: 'Set them with polling-proxy --proxyUsername=NAME --proxyPassword=PASSWORD.',
    }
  }
  if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
    return {
      isServer: false,
      detail: `It redirects to ${location}.`,
      next: `Give the address that it redirects to: --server=${location.replace(/\/api\/?$/i, '')}`,
    }
  }
  const root = parsed(text)
  if (statusCode === 200 && root !== undefined) {
    const { Application: application, Version: version, ApiVersion: api } = root
    if (typeof version === 'string' && typeof api === 'string') {
      const name = typeof application === 'string' ? application : 'A server'
      return {
        isServer: true,
        detail: `${firstLine(name)} ${firstLine(version)} answers (API ${firstLine(api)}).`,
      }
    }
  }
  return {
    isServer: false,
    detail: `It answers HTTP ${statusCode}${by}, and not as an Octopus Server.`,
    next:
      statusCode === 503
        ? 'The server is starting or in maintenance: try again in a minute.'
        : 'Give the address at which the portal opens in a browser, with its virtual folder if it has one.',
  }
}

function parsed(text: string): Resource | undefined {
  try {
    return asResource(JSON.parse(text.replace(/^\uFEFF/, '')), '/api')
  } catch {
    return undefined
  }
}

function unreachable(error: Error, { server, proxy }: PortalWay): readonly [detail: string, next: string] {
  if (error instanceof TentacleError)
    return [
      sentence(error.message),
      'Compare the certificate with that of the server: somebody in between may open TLS.',
    ]
  const code = systemCode(error)
  const through = proxy.host === undefined ? '' : ` through the proxy ${proxy.host}:${proxy.port}`
  const detail = sentence(
    `${server.origin} cannot be reached${through}: ${error.message || 'the connection failed'}${code === undefined ? '' : ` (${code})`}`,
  )
  if (/CERT|SELF_SIGNED|ISSUER/.test(code ?? ''))
    return [
      detail,
      'Install the authority that issued the certificate, or give --ignoreSslErrors if you know it.',
    ]
  if (/407/.test(error.message)) return [detail, 'Set user and password of the proxy with polling-proxy.']
  return [detail, 'Check the address, that the server runs, and firewalls and proxies in between.']
}

function compareClocks(date: string | string[] | undefined, before: number, after: number): Finding {
  const answer = verdict('clock', 'the clock against that of the portal')
  const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN
  if (Number.isNaN(theirs)) return answer.skipped('The portal told no time.')
  // The header has whole seconds, cut off.
  const aheadMs = (before + after) / 2 - (theirs + 500)
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  if (Math.abs(aheadMs) <= clockToleranceMs)
    return answer.ok(seconds < 2 ? 'The clocks agree.' : `The clocks differ by ${seconds} s.`)
  return answer.warning(
    `The clock of this machine is ${aheadMs > 0 ? 'ahead' : 'behind'} by ${seconds} s.`,
    'Let both machines take their time from a time server (NTP).',
  )
}
