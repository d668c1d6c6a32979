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
  /** By how much the line through the second half of the samples rises over that half, in bytes. */
  readonly growthBytes: number
  readonly meanBytes: number
  readonly isFlat: boolean
  /** Too few samples to tell. */
  readonly isJudged: boolean
}

const mib = 1024 * 1024
const fewestSamples = 8

/** Takes a sample of this process. It must run with `--expose-gc`. */
export function sampleMemory(startedAt: number): MemorySample {
  if (!globalThis.gc)
    throw new Error('Start this with `npm run soak`: memory is measured after a full collection.')
  globalThis.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { second: (performance.now() - startedAt) / 1000, heapBytes: heapUsed + external, rssBytes: rss }
}

/**
 * Memory is flat when the line through the second half of the samples (least squares) rises by less than 4 MiB or a
 * tenth of its mean over that half, whichever is more: the first half fills caches and pools.
 */
export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict {
  const half = samples.slice(Math.floor(samples.length / 2))
  const [first, last] = [half[0], half.at(-1)]
  const meanBytes = mean(half.map(({ heapBytes }) => heapBytes))
  if (!first || !last || half.length < fewestSamples)
    return { growthBytes: 0, meanBytes, isFlat: true, isJudged: false }
  const growthBytes = slope(half) * (last.second - first.second)
  return { growthBytes, meanBytes, isFlat: growthBytes < Math.max(4 * mib, meanBytes / 10), isJudged: true }
}

/** Bytes per second. */
function slope(samples: readonly MemorySample[]): number {
  const middle = mean(samples.map(({ second }) => second))
  const level = mean(samples.map(({ heapBytes }) => heapBytes))
  let [above, below] = [0, 0]
  for (const { second, heapBytes } of samples) {
    above += (second - middle) * (heapBytes - level)
    below += (second - middle) ** 2
  }
  return below === 0 ? 0 : above / below
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
