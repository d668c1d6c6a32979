import assert from 'node:assert/strict'
import type { ByteSource } from '../../../src/bytes/byte-source.ts'
import type { HalibutErrorCode } from '../../../src/errors.ts'
import { readControl, readPreamble } from '../../../src/handshake/control-lines.ts'
import { type Identity, readIdentity, writeIdentity } from '../../../src/handshake/identity.ts'
import { TestConnection } from '../../packets.ts'
import { textMutators } from '../mutations.ts'
import { bytesOf, recordedEntries } from '../recorded-seeds.ts'
import { moveCuts, ofPayload, parseSplit, piecesOf, readPieces, splitSeeds } from '../split-input.ts'
import { attempt, type FuzzTarget } from '../target.ts'

const timeoutMs = 60_000
const refusals: readonly HalibutErrorCode[] = ['ERR_PROTOCOL', 'ERR_CONNECTION_LOST']

interface Heard {
  readonly preamble: string
  readonly identity: Identity | undefined
  readonly lines: readonly string[]
}

/** Reads as a listener does, then control lines up to the end. */
async function readAll(source: ByteSource): Promise<Heard> {
  const { isHalibut, text } = await readPreamble(source, timeoutMs, 20_000)
  if (!isHalibut) return { preamble: text, identity: undefined, lines: [] }
  const identity = await readIdentity(source, timeoutMs)
  const lines: string[] = []
  for (;;) {
    const line = await attempt(['ERR_CONNECTION_LOST'], () => readControl(source, timeoutMs, 'a line'))
    if (!line) return { preamble: text, identity, lines }
    lines.push(line.value)
  }
}

async function readBack(identity: Identity): Promise<Identity> {
  const { sink, writes } = new TestConnection()
  await writeIdentity(sink, identity, timeoutMs)
  return readPieces(writes, ({ source }) => readIdentity(source, timeoutMs))
}

const words = [
  'MX',
  'MX-CLIENT 1.0',
  'MX-SUBSCRIBER 1.0 poll://a/',
  'MX-SERVER 1.0',
  'NEXT',
  'PROCEED',
  'END',
]
const ends = ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\0']

export const controlLines: FuzzTarget = {
  name: 'control-lines',
  about: 'preamble, identity and control lines of a dialler, in packets of any size',
  testInputs: 100,
  maximumBytes: 32 * 1024,
  seeds: () => [
    ...recordedEntries()
      .filter(entry => entry.kind === 'control')
      .slice(0, 12)
      .flatMap(entry => splitSeeds(bytesOf(entry))),
    ...splitSeeds(Buffer.from('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\nNEXT\r\n\r\n\nNEXT\nEND\r\n')),
    ...splitSeeds(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')),
    ...splitSeeds(Buffer.from(`MX\n\nMX-SUBSCRIBER 1.0 poll://${'a'.repeat(19_000)}/\r\n\r\n`)),
  ],
  mutators: [moveCuts, ...textMutators([...words, ...ends]).map(ofPayload)],
  async run(input) {
    const split = parseSplit(input)
    const heard = await attempt(refusals, () => readPieces(piecesOf(split), ({ source }) => readAll(source)))
    const atOnce = await attempt(refusals, () => readPieces([split.payload], ({ source }) => readAll(source)))
    assert.deepEqual(heard, atOnce, 'where packets end makes a difference')
    if (!heard) return 'refused'
    const { identity } = heard.value
    if (identity) assert.deepEqual(await readBack(identity), identity)
    return 'accepted'
  },
}
