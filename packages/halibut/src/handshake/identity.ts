import { isUtf8 } from 'node:buffer'
import type { ByteSink } from '../bytes/byte-sink.ts'
import type { ByteSource } from '../bytes/byte-source.ts'
import { HalibutError } from '../errors.ts'
import { readLine } from './control-lines.ts'

/** How a side introduces itself (docs/wire/halibut.md, "Identity"). */
export type Identity =
  | { readonly kind: 'client' }
  | { readonly kind: 'server' }
  | { readonly kind: 'subscriber'; readonly subscription: string }

function identityLine(identity: Identity): string {
  switch (identity.kind) {
    case 'client':
      return 'MX-CLIENT 1.0'
    case 'server':
      return 'MX-SERVER 1.0'
    case 'subscriber':
      return `MX-SUBSCRIBER 1.0 ${identity.subscription}`
  }
}

/** Line and empty line go out in one write: peers of Halibut 4.4 lose what comes in a later record. */
export function writeIdentity(sink: ByteSink, identity: Identity, timeoutMs: number): Promise<void> {
  return sink.write(Buffer.from(`${identityLine(identity)}\r\n\r\n`), timeoutMs)
}

/** Reads the other side's identity: a line, and the empty line after it. Its version has never been looked at. */
export async function readIdentity(source: ByteSource, timeoutMs: number): Promise<Identity> {
  const line = await readLine(source, timeoutMs, 'an identity')
  const identity = parseIdentity(line)
  if (!identity)
    throw new HalibutError('ERR_PROTOCOL', `${JSON.stringify(line.slice(0, 80))} is no Halibut identity.`)
  const next = await readLine(source, timeoutMs, 'the end of an identity')
  if (next !== '') {
    throw new HalibutError(
      'ERR_PROTOCOL',
      `An empty line belongs after an identity, not ${JSON.stringify(next.slice(0, 80))}.`,
    )
  }
  return identity
}

function parseIdentity(line: string): Identity | undefined {
  const [word, , subscription] = line.split(' ')
  switch (word) {
    case 'MX-CLIENT':
      return { kind: 'client' }
    case 'MX-SERVER':
      return { kind: 'server' }
    case 'MX-SUBSCRIBER':
      return subscription ? { kind: 'subscriber', subscription: decoded(subscription) } : undefined
    default:
      return undefined
  }
}

/** Lines are read byte by byte; a subscription that is not ASCII is sent as UTF-8, and is called by its own name. */
function decoded(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}
