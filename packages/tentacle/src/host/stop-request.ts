import type { Log } from '../logging/log.ts'

/** Who may stop the agent, besides signals. */
export interface StopRequestOptions {
  /** Where Enter, or its end, stops the agent; undefined: standard input is never read. */
  readonly stdin: NodeJS.ReadableStream | undefined
  /** Calls its argument at the end of who has started this process; what it returns ends the watch. */
  readonly watch: ((gone: () => void) => () => void) | undefined
  /** Aborted by a signal that asks the process to end. */
  readonly signal: AbortSignal
  readonly log: Log
}

/** Waits until somebody asks the agent to stop. */
export async function waitForStopRequest({ stdin, watch, signal, log }: StopRequestOptions): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const keepAlive = setInterval(() => undefined, 2 ** 30) // signals alone do not keep a process alive
  const onData = (chunk: Buffer | string) => {
    if (chunk.toString().includes('\n')) resolve()
  }
  const stop = () => resolve()
  signal.addEventListener('abort', stop, { once: true })
  const unwatch = watch?.(stop)
  if (stdin !== undefined) {
    log.info('Running. Press <enter> to shut down...')
    stdin.on('data', onData).once('end', stop).once('error', stop)
  }
  try {
    await promise
    if (stdin !== undefined) log.info('')
  } finally {
    clearInterval(keepAlive)
    unwatch?.()
    signal.removeEventListener('abort', stop)
    stdin?.off('data', onData).off('end', stop).off('error', stop)
    stdin?.pause()
  }
}
