/** Memory of one process after a full garbage collection. */
export interface MemorySample {
  /** Seconds since the start. */
  readonly second: number
  /** JavaScript heap and what it holds outside, in bytes. */
  readonly heapBytes: number
  readonly rssBytes: number
}

/** What the samples of one process say. */
export interface MemoryVerdict {
  /** By how much the floor rose over the second half of the samples, in bytes. */
  readonly growthBytes: number
  /** The lowest sample of the last quarter. */
  readonly floorBytes: number
  readonly isFlat: boolean
  /** Too few samples to tell. */
  readonly isJudged: boolean
}

const mib = 1024 * 1024
const fewestSamples = 20

/** Takes a sample of this process. It must run with `--expose-gc`. */
export function sampleMemory(startedAt: number): MemorySample {
  if (!globalThis.gc)
    throw new Error('Start this with `npm run soak`: memory is measured after a full collection.')
  // What the first collection finalizes the second one frees.
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { second: (performance.now() - startedAt) / 1000, heapBytes: heapUsed + external, rssBytes: rss }
}

/**
 * Judges the second half of the samples: the first one fills caches and pools. The calls that are under way hold some MiB of
 * streams, sometimes more, sometimes less, so it is the floor that counts, which only a leak raises: the lowest sample
 * of the last quarter is compared with the lowest of the quarter before. Twice the difference is the growth over the
 * half. Memory is flat when that is less than 4 MiB or a tenth of the floor, whichever is more.
 */
export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict {
  const quarter = Math.floor(samples.length / 4)
  const floorBytes = floor(samples.slice(-quarter))
  if (samples.length < fewestSamples) return { growthBytes: 0, floorBytes, isFlat: true, isJudged: false }
  const growthBytes = (floorBytes - floor(samples.slice(-2 * quarter, -quarter))) * 2
  return { growthBytes, floorBytes, isFlat: growthBytes < Math.max(4 * mib, floorBytes / 10), isJudged: true }
}

function floor(samples: readonly MemorySample[]): number {
  return samples.reduce((lowest, { heapBytes }) => Math.min(lowest, heapBytes), Number.POSITIVE_INFINITY)
}
