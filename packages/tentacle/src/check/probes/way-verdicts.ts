import { sameThumbprint } from '../../settings/trusted-servers.ts'
import { type Finding, type Verdict, verdict } from '../finding.ts'
import { hostAndPort, type TcpOutcome } from '../network/connect-tcp.ts'
import { describeCertificate, type ShownCertificate, type TlsOutcome } from '../network/open-tls.ts'
import type { HttpProxySettings, TunnelOutcome } from '../network/open-tunnel.ts'
import type { HalibutOutcome } from '../network/speak-halibut.ts'
import type { ServerWay } from './server-way.ts'

/** What TCP connections to all addresses of a host say together. */
export function judgeTcp(
  outcomes: readonly TcpOutcome[],
  { host, port }: { readonly host: string; readonly port: number },
  isProxy: boolean,
): Finding {
  const answer = verdict('tcp', `TCP to ${isProxy ? 'the proxy ' : ''}${hostAndPort(host, port)}`)
  const detail = outcomes.map(outcome => describeTcp(outcome, port)).join(' ')
  const open = outcomes.find(({ kind }) => kind === 'open')
  // A machine without IPv6 cannot reach such addresses, which is no news.
  const bad = outcomes.filter(({ kind }) => kind !== 'open' && (open === undefined || kind !== 'unreachable'))
  const [first] = bad
  if (first === undefined) return answer.ok(detail)
  if (open !== undefined)
    return answer.warning(
      detail,
      'Connections to the other addresses cost time: correct the name, or open the way to all.',
    )
  return answer.failed(detail, tcpNext(first, port, isProxy))
}

function describeTcp({ address, kind, ms, reason }: TcpOutcome, port: number): string {
  const where = hostAndPort(address, port)
  switch (kind) {
    case 'open':
      return `${where} accepts connections (${ms} ms).`
    case 'refused':
      return `${where} refused the connection.`
    case 'timed out':
      return `${where} timed out after ${(ms / 1000).toFixed(1)} s.`
    case 'unreachable':
      return `${where} cannot be reached (${reason}).`
    case 'failed':
      return `${where} failed (${reason}).`
  }
}

function tcpNext({ kind }: TcpOutcome, port: number, isProxy: boolean): string {
  const whose = isProxy ? 'the proxy' : 'the server'
  switch (kind) {
    case 'refused':
      return `The machine is there and nothing listens on port ${port}: look whether ${whose} runs, and whether this is its port.`
    case 'timed out':
      return `Something drops the packets: let firewalls on the way pass TCP port ${port} from this machine to ${whose}.`
    default:
      return `There is no route: check the address, the network, the VPN and the gateway of this machine.`
  }
}

/** What a proxy said to CONNECT. */
export function judgeTunnel(
  answer: Verdict,
  outcome: TunnelOutcome,
  to: { readonly host: string; readonly port: number; readonly instanceArgument: string },
  proxy: HttpProxySettings,
): Finding {
  const [where, target] = [hostAndPort(proxy.host, proxy.port), hostAndPort(to.host, to.port)]
  const command = `Tentacle polling-proxy${to.instanceArgument} --proxyEnable=True --proxyHost=${proxy.host} --proxyPort=${proxy.port}`
  switch (outcome.kind) {
    case 'open':
      return answer.ok(`${where} made a tunnel to ${target}.`)
    case 'credentials': {
      const { schemes, answered } = outcome
      const isBasic = schemes.length === 0 || schemes.some(scheme => /^basic$/i.test(scheme))
      const known =
        proxy.username === undefined ? 'and none are set' : `and refuses those of ${proxy.username}`
      return answer.failed(
        `${where} answered '${answered}': it wants credentials ${known}.`,
        isBasic
          ? `Set them: ${command} --proxyUsername=NAME --proxyPassword=PASSWORD`
          : `It offers ${schemes.join(', ')} only, and agents know Basic: let the proxy accept Basic, or this machine without credentials.`,
      )
    }
    case 'refused':
      return answer.failed(
        `${where} answered '${outcome.answered}' and made no tunnel to ${target}.`,
        outcome.status >= 500
          ? `The proxy is asked and cannot get there: check from the proxy's machine that ${target} can be reached.`
          : `Let the proxy allow CONNECT to ${target}.`,
      )
    case 'no proxy':
      return answer.failed(
        `${where} is no HTTP proxy: it answered ${outcome.answered}.`,
        `Set the right host and port: ${command}`,
      )
  }
}

/** Detail and hint for a handshake that came to nothing. */
export function tlsFailures(
  outcome: Exclude<TlsOutcome, { readonly kind: 'open' | 'no tls' }>,
): readonly [detail: string, next: string] {
  const look =
    'Look for a firewall or load balancer that inspects TLS on the way: it must be passed through untouched.'
  switch (outcome.kind) {
    case 'hung up':
      return [
        'The other side hung up within the TLS handshake.',
        `Check that this is the port for agents. ${look}`,
      ]
    case 'silent':
      return [
        'The port accepts connections and does not answer to TLS.',
        `Check that this is the port for agents, and that the server is not stuck. ${look}`,
      ]
    case 'failed':
      return [`The TLS handshake failed: ${outcome.reason}.`, look]
  }
}

/** The hint for a port on which something else than TLS is spoken. */
export function noTlsNext(port: number): string {
  return `Port ${port} is not the one for agents. A server takes calls of agents on 10943 unless it is set up otherwise.`
}

/** Whether the certificate is the expected one, and what it means if not. */
export function judgeShown(
  answer: Verdict,
  shown: ShownCertificate | undefined,
  version: string,
  { expected, trusted, webSocketPath, instanceArgument }: ServerWay,
): Finding {
  if (shown === undefined)
    return answer.failed('It showed no certificate.', 'Check that this is the port for agents.')
  const { thumbprint } = shown
  const certificate = `${thumbprint} (${describeCertificate(shown)})`
  if (expected !== undefined) {
    if (sameThumbprint(thumbprint, expected))
      return answer.ok(`${version}; the certificate is ${certificate}, as expected.`)
    return answer.failed(
      `The certificate is ${certificate}. Expected was ${expected}.`,
      shown.isSelfSigned
        ? `Another server answers, the server has a new certificate, or somebody in between opens TLS. Compare with the thumbprint in the server's portal (Configuration, Thumbprint). If it is new: Tentacle update-trust${instanceArgument} --oldThumbprint=${expected} --newThumbprint=${thumbprint}`
        : `Somebody in between opens TLS: a proxy, firewall or load balancer that shows a certificate issued by ${shown.issuer}. Have TLS to this port passed through untouched.`,
    )
  }
  if (trusted.some(one => sameThumbprint(one, thumbprint)))
    return answer.ok(`${version}; the certificate is ${certificate}, which this agent trusts.`)
  if (!shown.isSelfSigned && webSocketPath === undefined) {
    return answer.warning(
      `${version}; the certificate is ${certificate}.`,
      'Servers show certificates that they issued themselves, so somebody in between may open TLS. Compare with the thumbprint in the portal (Configuration, Thumbprint).',
    )
  }
  return answer.ok(`${version}; the certificate is ${certificate}, which this agent does not trust yet.`)
}

/** Whether it is a Halibut that lets us in. */
export function judgeHalibut(said: HalibutOutcome, way: ServerWay, own: string): Finding {
  const where = hostAndPort(way.host, way.port)
  const answer = verdict('halibut', `Halibut on ${where}`)
  const register = `Register it there: Tentacle register-with${way.instanceArgument} --server=URL --apiKey=API-… --comms-style=TentacleActive, with --force if it is registered under another thumbprint.`
  switch (said.kind) {
    case 'trusted':
      return answer.ok('It speaks Halibut and trusts the certificate of this agent.')
    case 'hung up':
      if (way.webSocketPath !== undefined) {
        return answer.warning(
          `It hung up without an answer: it does not trust the thumbprint ${own} of this agent, or wants to know the name first.`,
          register,
        )
      }
      if (way.expected === undefined) {
        return answer.warning(
          `It hung up without an answer, as servers do on agents that are not registered: the thumbprint of this one is ${own}.`,
          register,
        )
      }
      return answer.failed(
        `It hung up without an answer, as servers do that do not trust an agent: the thumbprint of this one is ${own}.`,
        register,
      )
    case 'web server':
      return answer.failed(
        `A web server is there: ${said.answered}.`,
        way.webSocketPath === undefined
          ? noTlsNext(way.port)
          : `It has no WebSocket for agents at ${way.webSocketPath}: check the path.`,
      )
    case 'something else':
      return answer.failed(`Something else is there: it says '${said.answered}'.`, noTlsNext(way.port))
    case 'silent':
      return answer.failed(
        'It says nothing after TLS: it is no server for agents, or it is stuck.',
        `${noTlsNext(way.port)} If it is the right port, restart the server.`,
      )
  }
}
