import type { Socket } from 'node:net'
import type { Certificate } from '@tentacle/halibut'
import { type Finding, verdict } from '../finding.ts'
import { connectTcp, hostAndPort, type TcpOutcome, tryTcp } from '../network/connect-tcp.ts'
import { openTls, type TlsOutcome } from '../network/open-tls.ts'
import { type HttpProxySettings, openTunnel, type TunnelOutcome } from '../network/open-tunnel.ts'
import { describeHttp, exchange, firstLine, hasHead } from '../network/read-answer.ts'
import { resolveName } from '../network/resolve-name.ts'
import { type HalibutOutcome, introduceAsClient, introduceByWebSocket } from '../network/speak-halibut.ts'
import { type ProbeContext, probe, withinTime } from '../probe.ts'
import { judgeHalibut, judgeShown, judgeTcp, judgeTunnel, noTlsNext, tlsFailures } from './way-verdicts.ts'

/** The way from this agent to the port of a server that it polls. */
export interface ServerWay {
  readonly host: string
  readonly port: number
  /** Of `wss://`: the path with its query. */
  readonly webSocketPath: string | undefined
  /** The thumbprint that the settings demand; undefined when nothing is registered yet. */
  readonly expected: string | undefined
  /** All thumbprints that this agent trusts. */
  readonly trusted: readonly string[]
  readonly proxy: HttpProxySettings | undefined
  /** What this agent shows; undefined if it has none that can be read. */
  readonly certificate: Certificate | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** ` --instance NAME` or nothing, for commands in hints. */
  readonly instanceArgument: string
  /** Looks, before anything else connects, whether the agent is connected to one of these addresses. */
  readonly lookForConnections: ((addresses: readonly string[], port: number) => Promise<Finding>) | undefined
}

const steps = { tcp: 'TCP', proxy: 'CONNECT', tls: 'TLS', halibut: 'Halibut' } as const

/** Walks the way and says where it ends: name, TCP, proxy, TLS and whose certificate, Halibut and whether it trusts us. */
export async function walkToServer(way: ServerWay, context: ProbeContext): Promise<readonly Finding[]> {
  const walk = new Walk(way, context)
  await walk.go()
  return walk.findings
}

class Walk {
  readonly findings: Finding[] = []
  readonly #way: ServerWay
  readonly #context: ProbeContext
  /** The first station: the proxy if there is one. */
  readonly #station: { readonly host: string; readonly port: number }

  constructor(way: ServerWay, context: ProbeContext) {
    this.#way = way
    this.#context = context
    this.#station = way.proxy ?? way
  }

  async go(): Promise<void> {
    const addresses = await this.#name()
    if (addresses.length === 0) return this.#skip('tcp', 'The name has no address.')
    const connections = await this.#way.lookForConnections?.(addresses, this.#station.port)
    await this.#connect(addresses)
    if (connections !== undefined) this.findings.push(connections)
  }

  async #name(): Promise<readonly string[]> {
    const { host } = this.#station
    const whose = this.#way.proxy === undefined ? '' : 'the proxy '
    let addresses: readonly string[] = []
    const finding = await probe(
      this.#context,
      ['name', `the name ${whose}${host}`],
      async (answer, signal) => {
        const found = await resolveName(host, this.#way.env, signal)
        if (found.kind === 'unknown' || found.addresses.length === 0) {
          const code = found.kind === 'unknown' ? found.code : 'no address'
          return answer.failed(
            `No address is known for ${host} (${code}).`,
            code === 'EAI_AGAIN'
              ? 'The name server does not answer: check the network and the name servers of this machine (/etc/resolv.conf).'
              : 'Check the spelling, and that the name servers of this machine know the name.',
          )
        }
        addresses = found.addresses
        const [only] = addresses
        if (only === host) return answer.ok(`${host} is an address.`)
        return answer.ok(`${host} is ${addresses.join(', ')} (${found.ms} ms).`)
      },
    )
    this.findings.push(finding)
    return addresses
  }

  async #connect(addresses: readonly string[]): Promise<void> {
    const { port } = this.#station
    const outcomes = await Promise.all(addresses.map(address => tryTcp(address, port, this.#context)))
    this.findings.push(judgeTcp(outcomes, this.#station, this.#way.proxy !== undefined))
    const open = outcomes.find(({ kind }) => kind === 'open')
    if (open === undefined) this.#skip(this.#way.proxy ? 'proxy' : 'tls', 'There is no connection.')
    else await this.#throughProxy(open)
  }

  async #throughProxy({ address }: TcpOutcome): Promise<void> {
    const { proxy } = this.#way
    if (proxy !== undefined) {
      const tried = `CONNECT through ${hostAndPort(proxy.host, proxy.port)}`
      const finding = await probe(this.#context, ['proxy', tried], async answer => {
        const { socket, tunnel } = await this.#openSocket(address)
        socket.destroy()
        return tunnel === undefined
          ? answer.skipped('No proxy is set.')
          : judgeTunnel(answer, tunnel, this.#way, proxy)
      })
      this.findings.push(finding)
      if (finding.status === 'failed') return this.#skip('tls', 'The proxy made no tunnel.')
    }
    await this.#tls(address)
  }

  async #tls(address: string): Promise<void> {
    const { host, port, certificate, webSocketPath } = this.#way
    const answer = verdict('tls', `TLS to ${hostAndPort(host, port)}`)
    const { context, outcome } = await this.#handshake(address)
    if (outcome.kind !== 'open') {
      const spoken = await this.#speakPlainly(address)
      this.findings.push(
        outcome.kind === 'no tls' || spoken !== undefined
          ? answer.failed(
              `There is no TLS on this port. It answers ${spoken ?? 'something else'}.`,
              noTlsNext(port),
            )
          : answer.failed(...tlsFailures(outcome)),
      )
      return this.#skip('halibut', 'There is no TLS connection.')
    }
    const { socket, shown, version } = outcome
    try {
      const finding = judgeShown(answer, shown, version, this.#way)
      this.findings.push(finding)
      if (finding.status === 'failed')
        return this.#skip('halibut', 'This agent says nothing to a server that it does not know.')
      if (certificate === undefined)
        return this.#skip('halibut', 'This agent has no certificate to show that could be read.')
      const time = { silentMs: context.timeoutMs, signal: context.signal }
      const said: HalibutOutcome =
        webSocketPath === undefined
          ? await introduceAsClient(socket, time)
          : await introduceByWebSocket(socket, { host: hostAndPort(host, port), path: webSocketPath }, time)
      this.findings.push(judgeHalibut(said, this.#way, certificate.thumbprint))
    } finally {
      socket.destroy()
    }
  }

  async #handshake(address: string): Promise<{ context: ProbeContext; outcome: TlsOutcome }> {
    const context = this.#context
    const { host, certificate, webSocketPath } = this.#way
    try {
      const outcome = await withinTime(context, async signal => {
        const { socket } = await this.#openSocket(address)
        return await openTls(socket, host, certificate, { signal, isWebSocket: webSocketPath !== undefined })
      })
      return { context, outcome }
    } catch (error) {
      if (context.signal.aborted) throw error
      return { context, outcome: { kind: 'silent' } }
    }
  }

  /** A connection of its own that ends at the server: directly or through the tunnel. */
  async #openSocket(address: string): Promise<{ socket: Socket; tunnel: TunnelOutcome | undefined }> {
    const { proxy } = this.#way
    const socket = await withinTime(this.#context, signal => connectTcp(address, this.#station.port, signal))
    if (proxy === undefined) return { socket, tunnel: undefined }
    const { timeoutMs: silentMs, signal } = this.#context
    try {
      return { socket, tunnel: await openTunnel(socket, proxy, this.#way, { silentMs, signal }) }
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** What the port answers to a request of the web without TLS; undefined if it says nothing. */
  async #speakPlainly(address: string): Promise<string | undefined> {
    const { host, port } = this.#way
    const { timeoutMs: silentMs, signal } = this.#context
    try {
      const { socket } = await this.#openSocket(address)
      try {
        const request = `GET / HTTP/1.1\r\nHost: ${hostAndPort(host, port)}\r\nConnection: close\r\n\r\n`
        const isEnough = (text: string) => (text.startsWith('HTTP/') ? hasHead(text) : text.includes('\n'))
        const { text } = await exchange(socket, request, isEnough, { silentMs, signal })
        if (text === '' || !/^[\x20-\x7e\r\n\t]/.test(text)) return undefined
        return text.startsWith('HTTP/') ? `as a web server: ${describeHttp(text)}` : `'${firstLine(text)}'`
      } finally {
        socket.destroy()
      }
    } catch (error) {
      if (signal.aborted) throw error
      return undefined
    }
  }

  /** The rest of the way was not tried. */
  #skip(from: keyof typeof steps, why: string): void {
    const ids = Object.keys(steps) as (keyof typeof steps)[]
    for (const id of ids.slice(ids.indexOf(from))) {
      if (id === 'proxy' && this.#way.proxy === undefined) continue
      this.findings.push(
        verdict(id, `${steps[id]} to ${hostAndPort(this.#way.host, this.#way.port)}`).skipped(why),
      )
    }
  }
}
