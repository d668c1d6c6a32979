import { rounded } from './measurements.ts'
import { ownUsage, type ProcessUsage, usageOf } from './process-usage.ts'

/** What this process and perhaps that of the peer have used, at one moment. */
export type UsageOfBoth = readonly [ProcessUsage, ProcessUsage]

export function usageOfBoth(peerPid: number | undefined): UsageOfBoth {
  return [ownUsage(), usageOf(peerPid)]
}

/** Processor time between two moments; memory at its peak since the process began. */
export function usedBetween(before: UsageOfBoth, after: UsageOfBoth) {
  const cpu = (index: 0 | 1) => {
    const [earlier, later] = [before[index].cpuSeconds, after[index].cpuSeconds]
    return earlier === null || later === null ? null : rounded(later - earlier)
  }
  const peak = (index: 0 | 1) => {
    const { peakRssMib } = after[index]
    return peakRssMib === null ? null : rounded(peakRssMib)
  }
  return { cpu_s: cpu(0), peak_rss_mib: peak(0), peer_cpu_s: cpu(1), peer_peak_rss_mib: peak(1) }
}
