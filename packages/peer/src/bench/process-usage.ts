import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What a process has used since it started; null where the system does not tell. */
export interface ProcessUsage {
  /** Processor time in seconds, user and system. */
  readonly cpuSeconds: number | null
  /** The most memory that was resident at any time, in MiB. */
  readonly peakRssMib: number | null
}

/** Linux counts processor time in hundredths of a second for programs, whatever the kernel's own tick is. */
const ticksPerSecond = 100

/** This process. */
export function ownUsage(): ProcessUsage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssMib: maxRSS / 1024 }
}

/** Another process of this machine, as `/proc` shows it; nulls where there is none and on other systems. */
export function usageOf(pid: number | undefined): ProcessUsage {
  if (pid === undefined) return { cpuSeconds: null, peakRssMib: null }
  return { cpuSeconds: cpuSecondsOf(pid), peakRssMib: peakRssOf(pid) }
}

/** What is resident of this process after its garbage was collected, in MiB. */
export function residentMib(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
  return process.memoryUsage.rss() / (1024 * 1024)
}

function cpuSecondsOf(pid: number): number | null {
  const text = read(`/proc/${pid}/stat`)
  // The name in parentheses may contain blanks and parentheses; the fields behind it are plain.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields?.[11]) + Number(fields?.[12])
  return Number.isFinite(ticks) ? ticks / ticksPerSecond : null
}

function peakRssOf(pid: number): number | null {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kib === undefined ? null : Number(kib) / 1024
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
