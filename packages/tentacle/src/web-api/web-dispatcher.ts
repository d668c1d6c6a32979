import type { TLSSocket } from 'node:tls'
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici'
import { TentacleError } from '../errors.ts'
import type { ProxySettings } from '../settings/tentacle-settings.ts'

/** How to reach the web API. */
export interface WebDispatcherOptions {
  readonly ignoreSslErrors: boolean
  /** The proxy of the settings, or only whether the system's is to be used. */
  readonly proxy: Pick<ProxySettings, 'useDefault' | 'host' | 'port' | 'username' | 'password'>
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are the system's proxy. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told once about a certificate that is accepted although it cannot be verified. */
  readonly onIgnoredCertificate: (problem: string) => void
}

/** Makes what sends requests: directly, through the proxy of the settings, or through that of the system. */
export function createWebDispatcher(options: WebDispatcherOptions): Dispatcher {
  const { proxy, ignoreSslErrors, env } = options
  const requestTls = { rejectUnauthorized: !ignoreSslErrors }
  if (proxy.host !== undefined) {
    const authorization =
      proxy.username === undefined ? {} : { token: basic(proxy.username, proxy.password ?? '') }
    return new ProxyAgent({
      uri: `http://${proxy.host}:${proxy.port}`,
      requestTls,
      proxyTunnel: false,
      ...authorization,
    })
  }
  const [httpProxy, httpsProxy] = [variable(env, 'http_proxy'), variable(env, 'https_proxy')]
  if (proxy.useDefault && (httpProxy !== '' || httpsProxy !== '')) {
    return new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy: variable(env, 'no_proxy'), requestTls })
  }
  return new Agent({ connect: verifyingConnector(options) })
}

function variable(env: WebDispatcherOptions['env'], name: string): string {
  return env[name] ?? env[name.toUpperCase()] ?? ''
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** Verifies certificates after the handshake instead of within, so that a refused one can be named. */
function verifyingConnector({
  ignoreSslErrors,
  onIgnoredCertificate,
}: WebDispatcherOptions): buildConnector.connector {
  // Calls are short, so nothing has to be kept alive; and Wine makes no connection that was told to be.
  const connect = buildConnector({ rejectUnauthorized: false, keepAlive: false })
  let told = false
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      const problem = isTls(socket) ? problemOf(socket) : undefined
      if (problem === undefined) return callback(null, socket)
      if (!ignoreSslErrors) {
        socket.destroy()
        return callback(new TentacleError('ERR_SERVER', untrusted(problem, options.hostname)), null)
      }
      if (!told) onIgnoredCertificate(problem)
      told = true
      return callback(null, socket)
    })
  }
}

function isTls(socket: unknown): socket is TLSSocket {
  return typeof socket === 'object' && socket !== null && 'authorized' in socket
}

function problemOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined
  const { subject, fingerprint } = socket.getPeerCertificate()
  const reason = socket.authorizationError
  const words = reason instanceof Error ? reason.message : String(reason)
  return `${words} (subject CN=${subject?.CN ?? ''}, thumbprint ${(fingerprint ?? '').replaceAll(':', '')})`
}

function untrusted(problem: string, host: string): string {
  return (
    `The HTTPS certificate of ${host} cannot be verified: ${problem}. Install the authority that issued it, ` +
    'or give --ignoreSslErrors if you know the certificate.'
  )
}
