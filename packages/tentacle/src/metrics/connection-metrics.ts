import type {
  ConnectionInfo,
  ConnectionTraffic,
  HalibutObserver,
  PollingState,
  RefusalReason,
  Thumbprint,
} from '@tentacle/halibut'
import type { PolledServer } from '../host/poll-servers.ts'
import type { Family, Sample } from './exposition.ts'
import { Counter, gauges } from './instruments.ts'

type Direction = ConnectionInfo['direction']

const directions = ['incoming', 'outgoing'] as const satisfies readonly Direction[]
const byDirection = directions.map(direction => ({ direction }))

const pollingStates = [
  'connected',
  'connecting',
  'waiting',
  'stopped',
] as const satisfies readonly PollingState['kind'][]

/** Why a connection that was made came to nothing. */
const refusals = [
  'too_many_connections',
  'too_many_from_address',
  'handshake_failed',
  'no_certificate',
  'untrusted',
  'unidentified',
  'wrong_server',
] as const
type Refusal = (typeof refusals)[number]

const early: Readonly<Record<RefusalReason, Refusal>> = {
  'too-many-connections': 'too_many_connections',
  'too-many-from-address': 'too_many_from_address',
  'handshake-failed': 'handshake_failed',
}

interface OpenConnection {
  readonly traffic: ConnectionTraffic
  /** As much of it as is in the counters. */
  counted: ConnectionTraffic
  isAccepted: boolean
}

/** A thumbprint is only there to tell servers apart: as much of it as that needs. */
const shownThumbprint = 8

/** Counts connections, and what goes over them. */
export class ConnectionMetrics implements HalibutObserver {
  readonly #opened = new Counter<'direction'>(
    {
      name: 'tentacle_connections_opened_total',
      help: 'Connections whose TLS handshake succeeded, by which side dialled.',
    },
    byDirection,
  )
  readonly #accepted = new Counter<'direction'>(
    {
      name: 'tentacle_connections_accepted_total',
      help: 'Connections to peers that turned out to be trusted.',
    },
    byDirection,
  )
  readonly #refused = new Counter<'reason'>(
    { name: 'tentacle_connections_refused_total', help: 'Connections that came to nothing, by the reason.' },
    refusals.map(reason => ({ reason })),
  )
  readonly #received = new Counter<'direction'>(
    {
      name: 'tentacle_connections_received_bytes_total',
      help: 'Bytes received, within TLS.',
    },
    byDirection,
  )
  readonly #sent = new Counter<'direction'>(
    {
      name: 'tentacle_connections_sent_bytes_total',
      help: 'Bytes sent, within TLS.',
    },
    byDirection,
  )
  readonly #open = new Map<ConnectionInfo, OpenConnection>()
  /** The addresses of those who were refused and are about to be hung up on. */
  readonly #strangers = new Set<string>()

  connectionRefused(_: string, reason: RefusalReason): void {
    this.#refused.add({ reason: early[reason] })
  }

  connectionOpened(connection: ConnectionInfo, traffic: ConnectionTraffic): void {
    this.#open.set(connection, { traffic, counted: { readBytes: 0, writtenBytes: 0 }, isAccepted: false })
    this.#opened.add({ direction: connection.direction })
  }

  connectionAuthorised(connection: ConnectionInfo): void {
    const known = this.#open.get(connection)
    if (known !== undefined) known.isAccepted = true
    this.#accepted.add({ direction: connection.direction })
  }

  connectionClosed(connection: ConnectionInfo): void {
    const isStranger = this.#strangers.delete(connection.remoteAddress)
    if (this.#open.get(connection)?.isAccepted === false)
      this.#refused.add({ reason: refusalOf(connection, isStranger) })
    this.#countTraffic(connection)
    this.#open.delete(connection)
  }

  /** Somebody was refused because of the certificate; the connection is closed soon after. */
  stranger({ address }: { readonly address: string; readonly thumbprint: Thumbprint }): void {
    this.#strangers.add(address)
  }

  /** Connections live for days: what they carry is counted whenever somebody looks, and when they end. */
  #countTraffic(connection: ConnectionInfo): void {
    const known = this.#open.get(connection)
    if (known === undefined) return
    const { direction } = connection
    const { readBytes, writtenBytes } = known.traffic
    this.#received.add({ direction }, readBytes - known.counted.readBytes)
    this.#sent.add({ direction }, writtenBytes - known.counted.writtenBytes)
    known.counted = { readBytes, writtenBytes }
  }

  /** @param polled - the servers that the agent polls */
  families(polled: readonly PolledServer[]): Family[] {
    const open = (wanted: Direction) =>
      [...this.#open.keys()].filter(({ direction }) => direction === wanted).length
    for (const connection of this.#open.keys()) this.#countTraffic(connection)
    return [
      this.#opened.family(),
      this.#accepted.family(),
      this.#refused.family(),
      gauges(
        { name: 'tentacle_connections_open', help: 'Connections that are open now.' },
        directions.map(direction => ({ labels: { direction }, value: open(direction) })),
      ),
      this.#received.family(),
      this.#sent.family(),
      gauges(
        {
          name: 'tentacle_polling_state',
          help: 'Whether this is the state of polling a server (1) or not (0); of several connections the best counts.',
        },
        polled.flatMap(statesOf),
      ),
      gauges(
        {
          name: 'tentacle_polling_connections',
          help: 'Connections that the agent is set to hold to a polled server.',
        },
        polled.map((server, index) => ({ labels: labelsOf(server, index), value: server.connections })),
      ),
    ]
  }
}

function refusalOf({ direction, thumbprint }: ConnectionInfo, isStranger: boolean): Refusal {
  if (direction === 'outgoing') return 'wrong_server'
  if (thumbprint === undefined) return 'no_certificate'
  return isStranger ? 'untrusted' : 'unidentified'
}

function statesOf(server: PolledServer, index: number): Sample[] {
  const current = server.polling.state.kind
  return pollingStates.map(state => ({
    labels: { ...labelsOf(server, index), state },
    value: state === current ? 1 : 0,
  }))
}

/** The index keeps two entries for one server apart. Of the address only what names the server: the rest may be private. */
function labelsOf({ baseUri, thumbprint }: PolledServer, index: number) {
  const server = new URL(baseUri).host
  return { index: String(index), server, thumbprint: thumbprint.slice(0, shownThumbprint) }
}
