import type { Log } from '../logging/log.ts'
import { watchParent } from './parent-watch.ts'

/** Who may stop the agent. */
export interface StopRequestOptions {
  /**
   * `console`: Enter, the end of standard input, or a signal. `signals`: only a signal; standard input is never read.
   * `parent`: a signal, or the end of the process that started this one.
   */
  readonly host: 'console' | 'signals' | 'parent'
  readonly stdin: NodeJS.ReadableStream
  /** Aborted by a signal that asks the process to end. */
  readonly signal: AbortSignal
  readonly log: Log
}

/** Waits until somebody asks the agent to stop. */
export async function waitForStopRequest({ host, stdin, signal, log }: StopRequestOptions): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const keepAlive = setInterval(() => undefined, 2 ** 30) // signals alone do not keep a process alive
  const onData = (chunk: Buffer | string) => {
    if (chunk.toString().includes('\n')) resolve()
  }
  const stop = () => resolve()
  signal.addEventListener('abort', stop, { once: true })
  const unwatch = host === 'parent' ? watchParent(stop) : undefined
  if (host === 'console') {
    log.info('Running. Press <enter> to shut down...')
    stdin.on('data', onData).once('end', stop).once('error', stop)
  }
  try {
    await promise
    if (host === 'console') log.info('')
  } finally {
    clearInterval(keepAlive)
    unwatch?.()
    signal.removeEventListener('abort', stop)
    if (host === 'console') {
      stdin.off('data', onData).off('end', stop).off('error', stop)
      stdin.pause()
    }
  }
}
