import { createSecureContext, type SecureVersion } from 'node:tls'
import { HalibutError } from '../errors.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { anonymousTlsSettings } from '../tls/tls-settings.ts'
import { dial } from './dial.ts'
import { type HttpProxy, parseListeningAddress } from './endpoint.ts'

/** How to look. */
export interface DiscoverOptions {
  readonly signal?: AbortSignal
  /** For everything. Default 1 min. */
  readonly timeoutMs?: number
  readonly proxy?: HttpProxy
  readonly limits: HalibutLimits
  readonly minVersion: SecureVersion
}

/** Looks which certificate a listener shows, without showing one (docs/wire/halibut.md, "Discovery"). */
export async function discover(baseUri: string, options: DiscoverOptions): Promise<Thumbprint> {
  const address = parseListeningAddress(baseUri)
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 60_000)
  const { socket, thumbprint } = await dial({
    address,
    proxy: options.proxy,
    secureContext: createSecureContext(anonymousTlsSettings(options.minVersion)),
    limits: options.limits,
    signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
  })
  try {
    if (thumbprint === undefined)
      throw new HalibutError('ERR_CONNECT', `${address.baseUri} showed no certificate.`)
    // A listener waits for a first line, and answers this one with its page.
    socket.end('HELLO\r\n\r\n')
    return thumbprint
  } finally {
    socket.once('finish', () => socket.destroy()).once('error', () => {})
    setTimeout(() => socket.destroy(), 1000).unref()
  }
}
