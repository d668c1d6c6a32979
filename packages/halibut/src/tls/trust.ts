import { HalibutError } from '../errors.ts'
import type { Trust } from '../runtime/halibut.ts'
import type { Thumbprint } from './thumbprint.ts'

// This is the only file that decides whom to trust. A certificate is trusted for its thumbprint and nothing else:
// chain, dates, names and revocation are never looked at, by either side (docs/wire/halibut.md, "TLS and trust").

/** Whose incoming connections are accepted. */
export class TrustStore implements Trust {
  #trusted: Set<Thumbprint>
  readonly #onRevoked: (thumbprint: Thumbprint) => void

  /** @param onRevoked called for each thumbprint that stops being trusted: its live connections must end */
  constructor(trusted: Iterable<Thumbprint>, onRevoked: (thumbprint: Thumbprint) => void) {
    this.#trusted = new Set(trusted)
    this.#onRevoked = onRevoked
  }

  add(thumbprint: Thumbprint): void {
    this.#trusted.add(thumbprint)
  }

  remove(thumbprint: Thumbprint): void {
    if (this.#trusted.delete(thumbprint)) this.#onRevoked(thumbprint)
  }

  only(thumbprints: Iterable<Thumbprint>): void {
    const before = this.#trusted
    this.#trusted = new Set(thumbprints)
    for (const thumbprint of before) {
      if (!this.#trusted.has(thumbprint)) this.#onRevoked(thumbprint)
    }
  }

  has(thumbprint: Thumbprint): boolean {
    return this.#trusted.has(thumbprint)
  }

  list(): Thumbprint[] {
    return [...this.#trusted]
  }
}

/** Decides about the peer of an incoming connection: undefined is a peer that showed no certificate. */
export function admits(
  trust: Trust,
  thumbprint: Thumbprint | undefined,
  askAboutStranger: (thumbprint: Thumbprint) => 'block' | 'trust',
): thumbprint is Thumbprint {
  if (thumbprint === undefined) return false
  if (trust.has(thumbprint)) return true
  if (askAboutStranger(thumbprint) !== 'trust') return false
  trust.add(thumbprint)
  return true
}

/**
 * Decides about the server of an outgoing connection, before a byte is written to it.
 *
 * @throws HalibutError `ERR_UNTRUSTED_PEER`
 */
export function checkServer(address: string, shown: Thumbprint | undefined, expected: Thumbprint): void {
  if (shown === expected) return
  const what = shown === undefined ? 'no certificate' : `the certificate ${shown}`
  throw new HalibutError(
    'ERR_UNTRUSTED_PEER',
    `${address} showed ${what}, but ${expected} is expected there.`,
    {
      details: { address, shown, expected },
    },
  )
}

/**
 * Decides whether a poller may collect a call that was meant for a certain service: any trusted poller of the
 * subscription may where none was named.
 */
export function mayCollect(poller: Thumbprint, expected: Thumbprint | undefined): boolean {
  return expected === undefined || poller === expected
}
