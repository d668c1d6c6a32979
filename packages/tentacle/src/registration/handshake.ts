import { setTimeout as delay } from 'node:timers/promises'
import { type Dispatcher, request } from 'undici'
import { TentacleError, toError } from '../errors.ts'

/** How the port for agents is tried. */
export interface HandshakeOptions {
  /** `https://host:port` */
  readonly address: string
  readonly dispatcher: Dispatcher
  /** The first pause in ms; each further one is half as long again. */
  readonly pauseMs: number
  readonly signal: AbortSignal
  /** Told about each failed attempt that is followed by another. */
  readonly onRetry: (attempt: number, of: number, message: string) => void
}

const attempts = 5
const attemptTimeoutMs = 60_000

/**
 * Makes sure that a server answers on its port for agents: `POST /handshake` over TLS without a client certificate, 200
 * or 400 is good (docs/wire/tentacle-registration.md 3). Which certificate the server shows does not matter here; the
 * agent is going to trust the one that the web API names.
 *
 * @throws TentacleError `ERR_UNREACHABLE` after five failed attempts.
 */
export async function checkCommsPort(options: HandshakeOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryOnce(options)
    } catch (error) {
      if (options.signal.aborted) throw error
      const { message } = toError(error)
      if (attempt === attempts) {
        throw new TentacleError(
          'ERR_UNREACHABLE',
          `No server takes calls from agents at ${options.address}: ${message}. ` +
            'Check the address, the port, firewalls and proxies in between.',
          { cause: error },
        )
      }
      options.onRetry(attempt, attempts, message)
      await delay(options.pauseMs * 1.5 ** (attempt - 1), undefined, { signal: options.signal })
    }
  }
}

async function tryOnce({ address, dispatcher, signal }: HandshakeOptions): Promise<void> {
  const response = await request(`${address}/handshake`, {
    method: 'POST',
    dispatcher,
    headers: { 'Content-Length': '0' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
  })
  await response.body.dump()
  if (response.statusCode !== 200 && response.statusCode !== 400) {
    throw new Error(`it answered with HTTP ${response.statusCode}`)
  }
}
