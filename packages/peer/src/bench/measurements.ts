import type { ServiceClient } from '@tentacle/halibut'
import type { Remote } from '../client/remote.ts'
import { BenchService } from '../services/contracts.ts'
import { patternStream } from '../services/pattern.ts'

const bytesPerMib = 1024 * 1024

/** What one measurement found, as far as it applies. */
export interface Figures {
  readonly rps?: number
  readonly p50_ms?: number
  readonly p95_ms?: number
  readonly mib_per_s?: number
  readonly seconds: number
}

/** Small calls, `concurrency` of them at a time. */
export function measureCalls(remote: Remote, n: number, concurrency: number): Promise<Figures> {
  const service = remote.client(BenchService)
  return measureCallsOf(() => service, n, concurrency)
}

/** Small calls, each of the service that is chosen for it. */
export async function measureCallsOf(
  choose: () => ServiceClient<typeof BenchService>,
  n: number,
  concurrency: number,
): Promise<Figures> {
  // Connections are made and code is compiled before the clock starts.
  await Promise.all(Array.from({ length: concurrency }, () => choose().echo('warm')))
  for (let i = 0; i < Math.min(n, 200); i++) await choose().echo('warm')
  const times = new Float64Array(n)
  let next = 0
  const caller = async () => {
    for (let index = next++; index < n; index = next++) {
      const begin = performance.now()
      await choose().echo('hello')
      times[index] = performance.now() - begin
    }
  }
  return timed(times, () => Promise.all(Array.from({ length: concurrency }, caller)))
}

/** Calls that need a connection of their own each: TCP, TLS, identification and one small call. */
export async function measureConnects(remote: Remote, n: number): Promise<Figures> {
  const service = remote.client(BenchService)
  const times = new Float64Array(n)
  return timed(times, async () => {
    for (let index = 0; index < n; index++) {
      remote.halibut.disconnect(remote.endpoint)
      const begin = performance.now()
      await service.noop()
      times[index] = performance.now() - begin
    }
  })
}

/** One data stream to the peer. */
export async function measureUpload(remote: Remote, mib: number): Promise<Figures> {
  return measureTransfer(mib, async bytes => {
    const counted = await remote.client(BenchService).count(patternStream(bytes))
    if (counted !== bytes) throw new Error(`The peer counted ${counted} of ${bytes} bytes.`)
  })
}

/** One data stream from the peer, read to its end. */
export async function measureDownload(remote: Remote, mib: number): Promise<Figures> {
  return measureTransfer(mib, async bytes => {
    let count = 0
    await remote.client(BenchService).download(bytes, {
      receiveStream: async stream => {
        for await (const part of stream.read()) count += part.length
      },
    })
    if (count !== bytes) throw new Error(`${count} of ${bytes} bytes came.`)
  })
}

async function measureTransfer(mib: number, transfer: (bytes: number) => Promise<void>): Promise<Figures> {
  await transfer(bytesPerMib)
  const begin = performance.now()
  await transfer(mib * bytesPerMib)
  const seconds = (performance.now() - begin) / 1000
  return { mib_per_s: rounded(mib / seconds), seconds: rounded(seconds) }
}

async function timed(times: Float64Array, work: () => Promise<unknown>): Promise<Figures> {
  const begin = performance.now()
  await work()
  const seconds = (performance.now() - begin) / 1000
  const sorted = times.toSorted()
  return {
    rps: rounded(times.length / seconds),
    p50_ms: rounded(percentile(sorted, 50)),
    p95_ms: rounded(percentile(sorted, 95)),
    seconds: rounded(seconds),
  }
}

/** The value that `percent` of the values do not exceed. */
export function percentile(sorted: Float64Array, percent: number): number {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}

export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
