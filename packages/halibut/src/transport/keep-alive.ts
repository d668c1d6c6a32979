import type { Socket } from 'node:net'
import type { HalibutLimits } from '../runtime/limits.ts'

/**
 * Lets the system probe a silent connection, so that a peer that vanished is noticed without a word being sent
 * (docs/wire/halibut.md, "TLS and trust"). With the defaults that takes 15 s and ten probes, 5 s apart.
 */
export function keepAlive(socket: Socket, limits: HalibutLimits): void {
  if (!limits.tcpKeepAliveEnabled) return
  const { tcpKeepAliveTimeMs, tcpKeepAliveIntervalMs, tcpKeepAliveRetryCount } = limits
  socket.setKeepAlive(true, tcpKeepAliveTimeMs, tcpKeepAliveIntervalMs, tcpKeepAliveRetryCount)
}
