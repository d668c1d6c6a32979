import assert from 'node:assert/strict'
import { formatTimeSpan, parseTimeSpan } from '../../../src/contract/time-span.ts'
import { formatTypeName, isSameType, parseTypeName } from '../../../src/contract/type-name.ts'
import type { HalibutErrorCode } from '../../../src/errors.ts'
import { parseThumbprint, thumbprintOf } from '../../../src/tls/thumbprint.ts'
import {
  normalizeSubscription,
  parseListeningAddress,
  parsePolledAddress,
} from '../../../src/transport/endpoint.ts'
import { longTexts, textMutators } from '../mutations.ts'
import { attempt, type FuzzTarget, type Outcome } from '../target.ts'

interface TextTarget {
  readonly name: string
  readonly about: string
  readonly seeds: readonly string[]
  readonly words: readonly string[]
  /** The text is UTF-8 as it comes from files and people. */
  readonly read: (text: string, bytes: Uint8Array) => Promise<Outcome>
}

function textTarget({ name, about, seeds, words, read }: TextTarget): FuzzTarget {
  return {
    name,
    about,
    testInputs: 500,
    // Only the long seeds are longer.
    maximumBytes: 16 * 1024,
    seeds: () => [
      ...seeds.map(seed => Buffer.from(seed)),
      ...longTexts(words),
      ...longTexts(words, seeds[0]),
    ],
    mutators: textMutators(words),
    run: input => read(Buffer.from(input).toString('utf8'), input),
  }
}

/** Reads a text, writes what was read in its normal form, and reads that: both times the same must come out. */
async function readTwice<T>(
  code: HalibutErrorCode,
  text: string,
  read: (text: string) => T,
  write: (value: T) => string,
): Promise<Outcome> {
  const first = await attempt([code], () => read(text))
  if (!first) return 'refused'
  assert.deepEqual(read(write(first.value)), first.value)
  return 'accepted'
}

export const typeNames = textTarget({
  name: 'type-names',
  about: '.NET type names as they stand in $type',
  seeds: [
    'Halibut.Transport.Protocol.RequestMessage, Halibut',
    'A.B+C[][], D, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null',
    'System.Collections.Generic.Dictionary`2[[System.String, mscorlib],[X`1[[Y[], Z, Version=1]], Z]], mscorlib',
  ],
  words: [
    '[',
    ']',
    '[[',
    ']]',
    '[]',
    ',',
    ', ',
    '`1',
    'A, B',
    '[[A, B]]',
    ' ',
    '[['.repeat(40),
    '\u0130',
    '\0',
  ],
  async read(text) {
    const type = await attempt(['ERR_UNKNOWN_TYPE'], () => parseTypeName(text))
    if (!type) return 'refused'
    const again = parseTypeName(formatTypeName(type.value))
    assert.deepEqual(again, type.value)
    assert.ok(isSameType(again, type.value))
    return 'accepted'
  },
})

export const timeSpans = textTarget({
  name: 'time-spans',
  about: 'lengths of time in .NET form',
  seeds: ['00:00:10', '-1.02:03:04.5678901', '10675199.02:48:05.4775807', '7', '12:30'],
  words: ['-', '.', ':', '0', '00', '59', '99999999', '.0000001', '.9999999', '\u0660', ' '],
  async read(text) {
    const milliseconds = parseTimeSpan(text)
    if (milliseconds === undefined) return 'refused'
    assert.ok(Number.isFinite(milliseconds))
    const again = parseTimeSpan(formatTimeSpan(milliseconds))
    // No zero has a sign on the wire.
    assert.equal(again === undefined ? again : again + 0, milliseconds + 0)
    return 'accepted'
  },
})

export const thumbprints = textTarget({
  name: 'thumbprints',
  about: 'thumbprints as people paste them, and PEM texts to take them of',
  seeds: [
    '741DEFBB71992C03568418896170EFDBDC9AD08F',
    '\u200e74:1d:ef:bb 71 99 2c 03-56 84 18 89 61 70 ef db dc 9a d0 8f',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ],
  words: [
    ':',
    ' ',
    '-',
    '\u200e',
    '\ufeff',
    'AF',
    '\uff21',
    '-----BEGIN CERTIFICATE-----',
    '-----END',
    '\n',
    '=',
  ],
  async read(text, bytes) {
    const ofPem = await attempt(['ERR_INVALID_CERTIFICATE'], () => thumbprintOf(text))
    const ofDer = await attempt(['ERR_INVALID_CERTIFICATE'], () => thumbprintOf(bytes))
    for (const made of [ofPem, ofDer]) if (made) assert.equal(parseThumbprint(made.value), made.value)
    return readTwice('ERR_INVALID_THUMBPRINT', text, parseThumbprint, value => value.toLowerCase())
  },
})

export const addresses = textTarget({
  name: 'addresses',
  about: 'addresses of listeners, and subscriptions',
  seeds: [
    'https://host:10933/',
    'https://[::1]:1/',
    'HTTPS://user:word@1.2.3.4',
    'poll://name/',
    'POLL://A.b-c?x=1',
  ],
  words: [
    '$&',
    '$$',
    "$'",
    'https://',
    'poll://',
    'wss://',
    '/',
    ':',
    '@',
    '?',
    '#',
    '%',
    '[',
    ']',
    '\u0130',
    '\u00df',
    ':0',
    ':65536',
    ' ',
    '\0',
  ],
  async read(text) {
    const subscription = await readTwice('ERR_INVALID_ENDPOINT', text, normalizeSubscription, value => value)
    const address = await readTwice(
      'ERR_INVALID_ENDPOINT',
      text,
      parseListeningAddress,
      ({ baseUri }) => baseUri,
    )
    const polled = await readTwice('ERR_INVALID_ENDPOINT', text, parsePolledAddress, ({ baseUri }) => baseUri)
    return [subscription, address, polled].includes('accepted') ? 'accepted' : 'refused'
  },
})
