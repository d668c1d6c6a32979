import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import { writeFileSafely } from '../settings/write-file.ts'

/** How often the file is written, in ms: as often as monitoring programs usually read it. */
const defaultEveryMs = 15_000

/** A file that is kept up to date. */
export interface MetricsFile {
  /** Writes it for the last time. */
  close(): Promise<void>
}

/**
 * Writes metrics to a file, now and every 15 s. Readers find the old text or the new one, never a part. A file that
 * cannot be written is told once, and tried again each time.
 *
 * @param render - gives the text
 */
export function writeMetrics(
  path: string,
  render: () => Promise<string>,
  log: Log,
  everyMs = defaultEveryMs,
): MetricsFile {
  let [hasFailed, isWriting] = [false, false]
  const write = async (): Promise<void> => {
    isWriting = true
    try {
      await writeFileSafely(path, await render(), { mode: 0o644 })
      hasFailed = false
    } catch (error) {
      if (!hasFailed) {
        log.error(
          `The file with the metrics is not written: ${toError(error).message} It is tried again every ${everyMs / 1000} s. Another file: 'Tentacle configure --metricsFile=PATH', and restart the agent.`,
        )
      }
      hasFailed = true
    }
    isWriting = false
  }
  log.info(`Metrics are written to ${path} every ${everyMs / 1000} s`)
  let current = write()
  const timer = setInterval(() => {
    if (!isWriting) current = write() // a disk may take longer than that
  }, everyMs).unref()
  return {
    async close() {
      clearInterval(timer)
      await current
      await write()
    },
  }
}
