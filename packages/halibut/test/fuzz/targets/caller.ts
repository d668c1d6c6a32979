import type { Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ByteSource } from '../../../src/bytes/byte-source.ts'
import type { HalibutErrorCode } from '../../../src/errors.ts'
import { readBson } from '../../../src/frame/bson-reader.ts'
import { readFrame } from '../../../src/frame/read-frame.ts'
import { readPreamble } from '../../../src/handshake/control-lines.ts'
import { readIdentity } from '../../../src/handshake/identity.ts'
import { decodeRequest } from '../../../src/messages/request.ts'
import { encodeError } from '../../../src/messages/response.ts'
import { replaceText } from '../bson-mutations.ts'
import {
  bytesOfSegment,
  bytesSegment,
  documentSegment,
  formatSegments,
  mutateSegments,
  parseSegments,
  responseFor,
  type Segment,
} from '../conversation.ts'
import { callMethod, LivePeers, portOf, sayAll } from '../live-peers.ts'
import { methodKeys } from '../realistic-contract.ts'
import { type FuzzTarget, type Mutator, refusing } from '../target.ts'

const timeoutMs = 60_000
const limits = { firstByteTimeoutMs: timeoutMs, timeoutMs, maxMessageBytes: 1024 * 1024 }

const refusals: readonly HalibutErrorCode[] = [
  'ERR_PROTOCOL',
  'ERR_CONNECTION_LOST',
  'ERR_UNKNOWN_TYPE',
  'ERR_STREAM_LENGTH',
  'ERR_MESSAGE_TOO_LARGE',
  // What the answer of the other side may say.
  'ERR_REMOTE',
  'ERR_SERVICE_INVOCATION',
  'ERR_SERVICE_NOT_FOUND',
  'ERR_METHOD_NOT_FOUND',
  'ERR_AMBIGUOUS_METHOD',
  'ERR_CANCELLED_CONNECTING',
  'ERR_CANCELLED_TRANSFERRING',
]

const identityBytes = Buffer.from('MX-SERVER 1.0\r\n\r\n')

/** Stands in documents where the id of the request belongs. */
const idWord = 'ID OF THE REQUEST'

/** Waits for the request as a service does, and gives its id; undefined when none comes. */
async function requestId(socket: TLSSocket): Promise<string | undefined> {
  const source = new ByteSource(socket)
  try {
    await readPreamble(source, timeoutMs, 20_000)
    await readIdentity(source, timeoutMs)
    const frame = await readFrame(source, limits)
    return frame && decodeRequest(readBson(frame))?.id
  } catch {
    return undefined
  }
}

async function answer(socket: TLSSocket, segments: readonly Segment[]): Promise<void> {
  const [first, ...rest] = segments
  const id = requestId(socket)
  const beginning = first ? bytesOfSegment(first) : new Uint8Array(0)
  socket.write(beginning)
  // After anything else than an identity the caller may wait for more, and send no request.
  const known = (identityBytes.equals(beginning) ? await id : undefined) ?? idWord
  const said = rest.map(segment =>
    segment.kind === 'document' || segment.kind === 'stored document'
      ? { ...segment, content: replaceText(segment.content, idWord, known) }
      : segment,
  )
  await sayAll(socket, said.map(bytesOfSegment))
}

class HostileService {
  static async start(): Promise<HostileService> {
    const peers = await LivePeers.start()
    const service = new HostileService(peers)
    service.#server = await peers.listenTls(socket => service.#serve(socket))
    return service
  }

  readonly peers: LivePeers
  #server: Server | undefined
  #answering: Promise<void> = Promise.resolve()
  segments: readonly Segment[] = []

  private constructor(peers: LivePeers) {
    this.peers = peers
  }

  #serve(socket: TLSSocket): void {
    this.#answering = answer(socket, this.segments)
  }

  async call(method: number): Promise<void> {
    const key = methodKeys[method % methodKeys.length] ?? 'sayHello'
    await callMethod(this.peers.callTo(this.#server ? portOf(this.#server) : 0), key)
  }

  /** What the client hangs up on is over soon. */
  async settled(): Promise<void> {
    await this.#answering
  }

  async close(): Promise<void> {
    this.#server?.close()
    await this.peers.close()
  }
}

let starting: Promise<HostileService> | undefined

const chooseMethod: Mutator = (input, random) =>
  Buffer.concat([Uint8Array.of(random.below(methodKeys.length)), input.subarray(1)])

const mutate: Mutator = (input, random, other) =>
  Buffer.concat([input.subarray(0, 1), mutateSegments(input.subarray(1), random, other.subarray(1))])

const identity = bytesSegment(identityBytes)

/** The first byte chooses the method that is called; then comes what the service says, the first of it unasked. */
export const answers: FuzzTarget = {
  name: 'answers',
  about: 'everything that a listening service says to its caller',
  testInputs: 24,
  maximumBytes: 48 * 1024,
  seeds: () => {
    const error = encodeError(idWord, { message: 'Service not found: x', details: 'd', errorType: undefined })
    const conversations = methodKeys.map(key => [identity, documentSegment(responseFor(key, idWord))])
    return [...conversations, [identity, documentSegment(error)], [identity]].map((said, method) =>
      Buffer.concat([Uint8Array.of(method), formatSegments(said)]),
    )
  },
  mutators: [mutate, mutate, mutate, chooseMethod],
  async run(input) {
    starting ??= HostileService.start()
    const service = await starting
    service.segments = parseSegments(input.subarray(1))
    const outcome = await refusing(refusals, () => service.call(input[0] ?? 0))
    await service.settled()
    return outcome
  },
  async close() {
    const service = await starting
    starting = undefined
    await service?.close()
  },
}
