import { once } from 'node:events'
import type { PeerIo } from '../cli/command.ts'

/** Waits for SIGTERM or SIGINT. */
export async function untilToldToEnd({ signal }: PeerIo): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
