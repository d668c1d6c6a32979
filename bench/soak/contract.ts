import { crc32 } from 'node:zlib'
import { defineService, type HalibutLimits, method, types } from '@tentacle/halibut'
import { Random } from './random.ts'

/** What the services of a soak do. Every call begins with its number. */
export const SoakService = defineService('ISoakService', {
  /** Waits, and gives the text back. */
  echo: method([types.count, types.text, types.count], types.text),
  /** Gives the {@link digest} of a stream back. */
  take: method([types.count, types.dataStream], types.text),
  /** Gives the first bytes of the {@link pattern}. */
  give: method([types.count, types.count], types.dataStream),
})

/** The longest stream: above 256 KiB they wait in files. */
export const longestStreamBytes = 1024 * 1024

/** What streams are made of: their first bytes. The same in every process. */
export const pattern = makePattern()

function makePattern(): Buffer {
  const random = new Random(42)
  return Buffer.from(Array.from({ length: longestStreamBytes }, () => random.below(256)))
}

export function digest(bytes: Uint8Array): string {
  return `${bytes.length}:${crc32(bytes).toString(16)}`
}

/** Faults are noticed within seconds. Both sides have the same limits. */
export const soakLimits: Partial<HalibutLimits> = {
  pollingRequestQueueTimeoutMs: 8000,
  retryListeningSleepIntervalMs: 100,
  connectionErrorRetryTimeoutMs: 10_000,
  tcpClientConnectTimeoutMs: 3000,
  tcpClientSendTimeoutMs: 3000,
  tcpClientReceiveTimeoutMs: 5000,
  tcpClientReceiveResponseTimeoutMs: 5000,
  tcpClientHeartbeatSendTimeoutMs: 3000,
  tcpClientHeartbeatReceiveTimeoutMs: 3000,
  tcpClientHeartbeatTimeoutShouldActuallyBeUsed: true,
  identificationTimeoutMs: 8000,
  pollingQueueWaitTimeoutMs: 5000,
  tcpClientReceiveRequestTimeoutForPollingMs: 9000,
  tcpListeningNextRequestIdleTimeoutMs: 20_000,
  tcpClientPooledConnectionTimeoutMs: 15_000,
  pollingReconnectMinimumMs: 200,
  pollingReconnectMaximumMs: 2000,
}

/**
 * The longest that a call without a limit of its own may take: 10 s of attempts, the last of which takes 13 s, or 8 s in
 * the queue; then 5 s for each wait of an exchange that a fault can hit once, 5 s for the method, and 10 s for a machine
 * that is busy with everything else.
 */
export const longestCallMs = 10_000 + 13_000 + 5000 + 5000 + 5000 + 10_000
