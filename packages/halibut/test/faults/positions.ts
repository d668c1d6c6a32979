import { type Direction, type TlsRecord, TlsRecordScanner } from '@tentacle/testkit'
import type { Mode } from '../runtimes.ts'
import { type ConversationOptions, startConversation } from './conversation.ts'

/** A part of the exchange that takes one direction of one connection. Positions are bytes of ciphertext. */
export interface Step {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The steps of one connection, in both directions. */
export type Steps = Readonly<Record<Direction, readonly Step[]>>

/** What TLS 1.3 adds to the bytes of one write: header, type and authentication tag. */
const overhead = 5 + 1 + 16

/** Content comes in as many records as it needs; everything else in one, or two. */
type Part = readonly [name: string, records: number | 'content']

const stream: readonly Part[] = [
  ['stream head', 2],
  ['stream content', 'content'],
  ['stream trailer', 1],
]

/** What follows TLS on a connection on which `swap` and `ping` are called, in the words of both modes. */
function conversationParts(mode: Mode): Readonly<Record<Direction, readonly Part[]>> {
  const requests: readonly Part[] = [['request', 1], ...stream]
  const responses: readonly Part[] = [['response', 1], ...stream]
  const [up, down] = mode === 'listening' ? [requests, responses] : [responses, requests]
  const [secondUp, secondDown] =
    mode === 'listening' ? ['second request', 'second response'] : ['second response', 'second request']
  return {
    up: [['MX', 1], ['identity', 1], ...up, ['NEXT', 1], [secondUp, 1]],
    down: [['MX-SERVER', 1], ...down, ['PROCEED', 1], [secondDown, 1]],
  }
}

/** What follows TLS while a poller hears that there is nothing to do. */
const idleParts: Readonly<Record<Direction, readonly Part[]>> = {
  up: [
    ['MX', 1],
    ['identity', 1],
    ['NEXT', 1],
    ['second NEXT', 1],
  ],
  down: [
    ['MX-SERVER', 1],
    ['null', 1],
    ['PROCEED', 1],
    ['second null', 1],
  ],
}

/**
 * Has the conversation once without a fault and finds its steps in the ciphertext, by the rule that each of them is
 * in TLS records of its own (docs/wire/halibut.md, "Records").
 */
export async function measureConversation(options: ConversationOptions): Promise<Steps> {
  const scanners = { up: new TlsRecordScanner(), down: new TlsRecordScanner() }
  const conversation = await startConversation({
    ...options,
    onChunk: (_, direction, chunk) => scanners[direction].push(chunk),
  })
  for (const end of [await conversation.swap('swap'), await conversation.ping('ping')])
    if (end.kind === 'failed') throw end.error
  const steps = stepsOf(scanners, conversationParts(options.mode))
  await conversation.close()
  return steps
}

/** Lets a service poll without work and finds the steps as {@link measureConversation} does. */
export async function measureIdlePolling(options: ConversationOptions): Promise<Steps> {
  const scanners = { up: new TlsRecordScanner(), down: new TlsRecordScanner() }
  const enough = Promise.withResolvers<void>()
  const words = { MX: 'MX\r\n\r\n', SERVER: 'MX-SERVER 1.0\r\n\r\n' }
  const conversation = await startConversation({
    ...options,
    isIdle: true,
    onChunk: (_, direction, chunk) => {
      scanners[direction].push(chunk)
      const up = scanners.up.records.length - find(scanners.up.records, words.MX)
      const down = scanners.down.records.length - find(scanners.down.records, words.SERVER)
      if (up >= idleParts.up.length && down >= idleParts.down.length) enough.resolve()
    },
  })
  await enough.promise
  const steps = stepsOf(scanners, idleParts)
  await conversation.close()
  return steps
}

function stepsOf(
  scanners: Readonly<Record<Direction, TlsRecordScanner>>,
  parts: Readonly<Record<Direction, readonly Part[]>>,
): Steps {
  const up = scanners.up.records
  const down = scanners.down.records
  const firstUp = find(up, 'MX\r\n\r\n')
  const firstDown = find(down, 'MX-SERVER 1.0\r\n\r\n')
  // "Finished" is a digest of 48 bytes with a header of 4; session tickets come after it.
  const tickets = down.findIndex(({ start, end }) => end - start === 52 + overhead) + 1
  return {
    up: [
      step('ClientHello', up.slice(0, 1)),
      step('TLS of the dialler', up.slice(1, firstUp)),
      ...split(up.slice(firstUp), parts.up),
    ],
    down: [
      step('ServerHello', down.slice(0, 1)),
      step('TLS of the listener', down.slice(1, tickets)),
      step('session tickets', down.slice(tickets, firstDown)),
      ...split(down.slice(firstDown), parts.down),
    ],
  }
}

function split(records: readonly TlsRecord[], parts: readonly Part[]): Step[] {
  let at = 0
  return parts.map(([name, count]) => {
    const from = at
    if (count === 'content') {
      while (isContent(records[at])) at++
      at++
    } else at += count
    return step(name, records.slice(from, at))
  })
}

/** All records of a stream's content but the last are as large as TLS allows. */
function isContent(record: TlsRecord | undefined): boolean {
  return record !== undefined && record.end - record.start === 16_384 + overhead
}

function find(records: readonly TlsRecord[], word: string): number {
  const index = records.findIndex(({ start, end }) => end - start === word.length + overhead)
  return index < 0 ? records.length : index
}

function step(name: string, records: readonly TlsRecord[]): Step {
  const [first, last] = [records[0], records.at(-1)]
  if (!first || !last) throw new Error(`The exchange without a fault has no ${name}.`)
  return { name, start: first.start, end: last.end }
}
