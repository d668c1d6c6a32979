import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { nullFrame } from '../../../src/frame/write-frame.ts'
import { upgradeRequest } from '../../../src/websocket/upgrade.ts'
import {
  bytesOfSegment,
  bytesSegment,
  formatSegments,
  mutateSegments,
  parseSegments,
  requestSegments,
  type Segment,
} from '../conversation.ts'
import { LivePeers, portOf, sayAll, webSocketPath } from '../live-peers.ts'
import { formatSplit, moveCuts, ofPayload, parseSplit, piecesOf } from '../split-input.ts'
import type { FuzzTarget, Mutator, Outcome } from '../target.ts'

/** After so many strangers a good client asks whether the service is still there. */
const checkEvery = 50

/** A listening service that hears one input after another, and must survive them all. */
function liveTarget(
  parts: Omit<FuzzTarget, 'run' | 'close'> & {
    readonly attack: (peers: LivePeers, input: Uint8Array) => Promise<Outcome>
  },
): FuzzTarget {
  let starting: Promise<LivePeers> | undefined
  let count = 0
  const { attack, ...rest } = parts
  return {
    ...rest,
    async run(input) {
      starting ??= LivePeers.start()
      const peers = await starting
      const outcome = await attack(peers, input)
      if (++count % checkEvery === 0) await peers.check()
      return outcome
    },
    async close() {
      const peers = await starting
      starting = undefined
      await peers?.close()
    },
  }
}

/** What a client says first, taken from Node itself. */
async function clientHello(options: object): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectTls({ port: portOf(server), host: '127.0.0.1', ...options })
  client.on('error', () => {})
  const [socket]: [Socket] = (await once(server, 'connection')) as [Socket]
  const [hello]: [Buffer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  server.close()
  return hello
}

/** Record and handshake headers have lengths of two and three bytes; extensions have lengths of two. */
const editRecord: Mutator = (input, random) => {
  const result = Buffer.from(input)
  if (result.length < 12) return result
  const at = random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 43, 44, 76, 77, 78])
  if (at < result.length)
    result[at] = random.oneIn(2) ? random.pick([0, 1, 2, 3, 20, 21, 22, 23, 24, 255]) : random.next()
  return result
}

export const greetings: FuzzTarget = liveTarget({
  name: 'greetings',
  about: 'TLS ClientHellos and what else strangers say to a listening service first',
  testInputs: 40,
  maximumBytes: 20_000,
  seeds: async () => {
    const hellos = await Promise.all([
      clientHello({}),
      clientHello({ maxVersion: 'TLSv1.2', servername: 'name.example' }),
      clientHello({ ALPNProtocols: ['h2', 'http/1.1'] }),
    ])
    const others = [
      'MX\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'SSH-2.0-x\r\n',
      '\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10',
    ]
    return [...hellos, ...others.map(text => Buffer.from(text, 'latin1'))].flatMap(payload => [
      formatSplit({ cuts: [], payload }),
      formatSplit({ cuts: [1, 5, 6].map(cut => Math.min(cut, payload.length)), payload }),
    ])
  },
  mutators: [moveCuts, ofPayload(editRecord), ofPayload(editRecord)],
  async attack(peers, input) {
    const socket = await peers.dialTcp()
    let answer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
    })
    await sayAll(socket, piecesOf(parseSplit(input)))
    // 22 is a handshake record: the hello was understood. Alerts are 21.
    return answer[0] === 22 ? 'accepted' : 'refused'
  },
})

function clientConversations(): Segment[][] {
  const hello = [bytesSegment('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')]
  const requests = requestSegments()
  const next = bytesSegment('NEXT\r\n')
  return [
    ...requests.map(request => [...hello, ...request, next, ...request, bytesSegment('END\r\n')]),
    [...hello, bytesSegment(nullFrame)],
    [bytesSegment('GET / HTTP/1.1\r\n\r\n')],
  ]
}

function pollerConversations(): Segment[][] {
  const next = bytesSegment('NEXT\r\n')
  const subscribe = 'MX-SUBSCRIBER 1.0 poll://fuzz/\r\n\r\n'
  const upgrade = upgradeRequest(
    { host: '127.0.0.1', port: 443, serverName: undefined, baseUri: 'https://127.0.0.1/' },
    webSocketPath,
  ).text
  const frame = (first: number, text: string): Segment => ({
    kind: 'web socket',
    content: Buffer.from(`${String.fromCharCode(first)}${text}`, 'latin1'),
  })
  return [
    [bytesSegment('MX\n\n'), bytesSegment(subscribe), next, next],
    [
      bytesSegment(upgrade),
      frame(0x81, 'MX'),
      frame(0x02, subscribe),
      frame(0x00, 'NEXT\r\n'),
      frame(0x88, '\x03\xe8'),
    ],
    [
      bytesSegment(upgrade),
      frame(0x01, 'M'),
      frame(0x80, 'X'),
      frame(0x89, 'ping'),
      frame(0x02, subscribe),
      frame(0x80, ''),
    ],
  ]
}

export const words: FuzzTarget = liveTarget({
  name: 'words',
  about: 'everything that is said to a listening service after TLS: clients, pollers, WebSockets',
  testInputs: 24,
  maximumBytes: 48 * 1024,
  seeds: () => [...clientConversations(), ...pollerConversations()].map(said => formatInput(1, said)),
  mutators: [mutateConversation(mutateSegments)],
  async attack(peers, input) {
    const before = peers.runs
    const socket = await peers.dialTls((input[0] ?? 0) % 16 !== 0)
    await sayAll(socket, parseSegments(input.subarray(1)).map(bytesOfSegment))
    return peers.runs > before ? 'accepted' : 'refused'
  },
})

/** The first byte says whether the stranger has a certificate. */
function formatInput(first: number, segments: readonly Segment[]): Buffer {
  return Buffer.concat([Uint8Array.of(first), formatSegments(segments)])
}

function mutateConversation(mutate: Mutator): Mutator {
  return (input, random, other) => {
    const first = random.oneIn(20) ? random.next() : (input[0] ?? 0)
    return Buffer.concat([Uint8Array.of(first), mutate(input.subarray(1), random, other.subarray(1))])
  }
}
