import { isIP } from 'node:net'
import type { Certificate } from '@tentacle/halibut'
import { sameThumbprint } from '../../settings/trusted-servers.ts'
import { type Finding, verdict } from '../finding.ts'
import { connectTcp, hostAndPort, type TcpOutcome, tryTcp } from '../network/connect-tcp.ts'
import { describeCertificate, openTls, type ShownCertificate } from '../network/open-tls.ts'
import { tcpSockets } from '../network/proc-net.ts'
import { resolveName } from '../network/resolve-name.ts'
import { type ProbeContext, probe, withinTime } from '../probe.ts'
import type { Registered } from './judge-registration.ts'

/** What is known of an agent that listens. */
export interface ListeningAgent {
  readonly port: number
  /** The address that it is set to listen on; undefined for all. */
  readonly ip: string | undefined
  readonly certificate: Certificate | undefined
  /** The name of this machine, under which `register-with` registers it unless told otherwise. */
  readonly machineName: string
  readonly instanceArgument: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Looks at the agent's own port as somebody on this machine sees it, and then as a server would dial it. */
export async function checkListening(
  agent: ListeningAgent,
  registered: Promise<Registered | undefined>,
  context: ProbeContext,
): Promise<readonly Finding[]> {
  const { port } = agent
  if (port === 0) {
    return [
      verdict('port', 'the port of the agent').skipped(
        'It is set to take any free port (0), which cannot be known from outside.',
      ),
    ]
  }
  const [own, addresses] = await Promise.all([checkOwnPort(agent, context), checkAddresses(agent)])
  return [own, addresses, await checkPublicAddress(agent, await registered, context)]
}

async function checkOwnPort(agent: ListeningAgent, context: ProbeContext): Promise<Finding> {
  const { port, ip, instanceArgument } = agent
  const address = ip === undefined || ip === '0.0.0.0' ? '127.0.0.1' : ip === '::' ? '::1' : ip
  const where = hostAndPort(address, port)
  return await probe(context, ['port', `the agent's own port ${where}`], async (answer, signal) => {
    const tcp = await tryTcp(address, port, { ...context, signal })
    if (tcp.kind !== 'open') {
      return answer.failed(
        `Nobody listens: ${where} ${tcp.kind === 'refused' ? 'refused the connection' : `did not answer (${tcp.reason})`}.`,
        tcp.kind === 'refused'
          ? `Start the agent: Tentacle service${instanceArgument} --start, or Tentacle run${instanceArgument}`
          : `Check that this machine has the address ${address}: Tentacle configure${instanceArgument} --listenIpAddress=ADDRESS`,
      )
    }
    const shown = await certificateAt(address, port, address, { ...context, signal })
    if (shown === undefined)
      return answer.failed(
        `Another program has the port: what answers on ${where} is no agent.`,
        otherPort(agent),
      )
    if (agent.certificate === undefined)
      return answer.warning(
        `Somebody shows the certificate ${shown.thumbprint} there.`,
        'Repair the certificate of this instance first.',
      )
    if (sameThumbprint(shown.thumbprint, agent.certificate.thumbprint))
      return answer.ok(`${where} shows the certificate of this agent.`)
    return answer.failed(
      `${where} shows the certificate ${shown.thumbprint} (${describeCertificate(shown)}), which is not that of this agent.`,
      `If the certificate was changed, restart the agent. If it is another instance: ${otherPort(agent)}`,
    )
  })
}

function otherPort({ instanceArgument }: ListeningAgent): string {
  return `Tentacle configure${instanceArgument} --port=NUMBER`
}

/** The certificate that is shown; undefined if it is not even TLS. */
async function certificateAt(
  address: string,
  port: number,
  name: string,
  context: ProbeContext,
): Promise<ShownCertificate | undefined> {
  return await withinTime(context, async signal => {
    const outcome = await openTls(await connectTcp(address, port, signal), name, undefined, { signal })
    if (outcome.kind !== 'open') return undefined
    outcome.socket.destroy()
    return outcome.shown
  })
}

async function checkAddresses({ port, instanceArgument }: ListeningAgent): Promise<Finding> {
  const answer = verdict('addresses', `addresses that listen on port ${port}`)
  const sockets = await tcpSockets()
  if (sockets === undefined) return answer.skipped('This system does not tell who listens.')
  const listening = sockets.filter(({ state, localPort }) => state === 'listening' && localPort === port)
  const addresses = [...new Set(listening.map(({ localAddress }) => localAddress))]
  if (addresses.length === 0) return answer.skipped('Nobody listens on it.')
  const shown = addresses.map(address => hostAndPort(address, port)).join(', ')
  if (addresses.includes('::') || addresses.includes('0.0.0.0'))
    return answer.ok(`It listens on all addresses of this machine (${shown}).`)
  if (addresses.every(address => /^127\.|^::1$/.test(address))) {
    return answer.warning(
      `It listens on ${shown}, which only this machine can reach.`,
      `Servers elsewhere need another: Tentacle configure${instanceArgument} --listenIpAddress=any`,
    )
  }
  return answer.ok(`It listens on ${shown}.`)
}

/** Dials the address that the server has, or would be given, from here. The server may see another network. */
async function checkPublicAddress(
  agent: ListeningAgent,
  registered: Registered | undefined,
  context: ProbeContext,
): Promise<Finding> {
  const target = targetOf(agent, registered)
  const known = target.isRegistered ? 'under which it is registered' : 'that it would be registered with'
  const where = hostAndPort(target.host, target.port)
  return await probe(context, ['public-address', `${where}, ${known}`], async (answer, signal) => {
    const next = target.isRegistered
      ? 'Seen from here; ask on the machine of the server too. If it is wrong, correct the address of the machine on the server.'
      : 'Register the agent with --publicHostName=NAME, a name or address that the server can reach.'
    const found = await resolveName(target.host, agent.env, signal)
    if (found.kind === 'unknown')
      return answer.warning(`No address is known for ${target.host} (${found.code}).`, next)
    const outcomes = await Promise.all(
      found.addresses.map(address =>
        tryTcp(address, target.port, { ...context, signal, timeoutMs: context.timeoutMs / 2 }),
      ),
    )
    const open = outcomes.find(({ kind }) => kind === 'open')
    if (open === undefined)
      return answer.warning(`${where} does not answer: ${outcomes.map(describe).join(', ')}.`, next)
    const shown = await certificateAt(open.address, target.port, target.host, { ...context, signal })
    if (
      shown !== undefined &&
      agent.certificate !== undefined &&
      sameThumbprint(shown.thumbprint, agent.certificate.thumbprint)
    )
      return answer.ok(`${where} leads to this agent.`)
    const seen =
      shown === undefined ? 'no TLS' : `the certificate ${shown.thumbprint} (${describeCertificate(shown)})`
    return answer.warning(`${where} leads somewhere else: it shows ${seen}.`, next)
  })
}

function targetOf({ machineName, port }: ListeningAgent, registered: Registered | undefined) {
  const uri =
    registered?.style === 'TentaclePassive' && URL.canParse(registered.uri)
      ? new URL(registered.uri)
      : undefined
  if (uri === undefined) return { isRegistered: false, host: machineName, port }
  const host = uri.hostname.replaceAll(/[[\]]/g, '')
  return { isRegistered: true, host: isIP(host) === 0 ? uri.hostname : host, port: Number(uri.port || 443) }
}

function describe({ address, kind, reason }: TcpOutcome): string {
  return kind === 'failed' ? `${address} failed (${reason})` : `${address} ${kind}`
}
