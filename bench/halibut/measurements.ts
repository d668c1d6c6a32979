import { type Certificate, createHalibut, type Halibut, type ServiceEndPoint } from '@tentacle/halibut'
import { median, quantile, report, rounded } from '../report.ts'
import { bareCaller, bareConnect, bareDownload, bareUpload } from './bare-tls.ts'
import { BenchService, count, mib, streamOf } from './contract.ts'
import type { OtherProcess } from './other-process.ts'

/** How much is measured. */
export interface Measured {
  readonly calls: number
  readonly mib: number
  readonly connects: number
  /** How often each stream is sent; the median counts. */
  readonly rounds: number
}

/** One of our modes, ready to be called. */
export interface Target {
  readonly mode: 'listening' | 'polling'
  readonly process: OtherProcess
  readonly halibut: Halibut
  readonly endpoint: ServiceEndPoint
}

const concurrencies = [1, 8, 32] as const

export async function measureOurs(
  { mode, process, halibut, endpoint }: Target,
  measured: Measured,
): Promise<void> {
  const call = halibut.client(BenchService, endpoint)
  await Promise.all(Array.from({ length: 32 }, () => call.echo('warm')))
  for (let i = 0; i < 2000; i++) await call.echo('warm')
  for (const concurrency of concurrencies) {
    const callers = Array.from({ length: concurrency }, () => async () => void (await call.echo('hello')))
    await measureCalls(mode, process, callers, measured.calls * Math.min(concurrency, 4))
  }
  const size = measured.mib * mib
  const works = {
    'up, stored': () => call.count(streamOf(size)),
    'down, stored': async () => count(await call.download(size)),
    'up, live': () => call.countLive(streamOf(size)),
    'down, live': () => call.download(size, { receiveStream: count }),
  }
  for (const [work, run] of Object.entries(works)) await measureTransfer(work, mode, process, measured, run)
  if (mode === 'polling') return
  const forgetful = createHalibut({ certificate: halibut.certificate, resumeSessions: false })
  for (const [work, runtime] of Object.entries({
    'connections, resumed': halibut,
    'connections, new': forgetful,
  })) {
    const caller = runtime.client(BenchService, endpoint)
    await measureConnects(work, mode, process, measured, async () => {
      runtime.disconnect(endpoint)
      await caller.echo('hello')
    })
  }
  await forgetful.close()
}

export async function measureBare(
  process: OtherProcess,
  own: Certificate,
  measured: Measured,
): Promise<void> {
  for (const mode of ['listening', 'polling'] as const) {
    const callers = await Promise.all(Array.from({ length: 32 }, () => bareCaller(mode, process.port)))
    for (const { call } of callers) for (let i = 0; i < 60; i++) await call()
    for (const concurrency of concurrencies) {
      const chosen = callers.slice(0, concurrency).map(({ call }) => call)
      await measureCalls(`bare TLS, ${mode}`, process, chosen, measured.calls * Math.min(concurrency, 4))
    }
    for (const { close } of callers) close()
  }
  const { port } = process
  await measureTransfer('up, live', 'bare TLS, listening', process, measured, () =>
    bareUpload(port, measured.mib),
  )
  await measureTransfer('down, live', 'bare TLS, listening', process, measured, () =>
    bareDownload(port, measured.mib),
  )
  await measureConnects('connections, new', 'bare TLS, listening', process, measured, () =>
    bareConnect(port, own),
  )
}

/** Calls one after another by each of several callers. */
async function measureCalls(
  mode: string,
  process: OtherProcess,
  callers: readonly (() => Promise<void>)[],
  calls: number,
): Promise<void> {
  const times: number[] = []
  const cpuBefore = await process.cpuTime()
  const startedAt = performance.now()
  let begun = 0
  const run = async (call: () => Promise<void>) => {
    while (begun++ < calls) {
      const begin = performance.now()
      await call()
      times.push(performance.now() - begin)
    }
  }
  await Promise.all(callers.map(run))
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = (await process.cpuTime()) - cpuBefore
  times.sort((a, b) => a - b)
  const perSecond = Math.round(times.length / seconds)
  const p95 = rounded(quantile(times, 0.95), 3)
  report({
    work: callers.length === 1 ? 'calls, one after another' : `calls, ${callers.length} callers`,
    mode,
    per_s: perSecond,
    p50_ms: rounded(quantile(times, 0.5), 3),
    p95_ms: p95,
    cpu_us_per_call: Math.round(cpu / times.length),
    summary: `${perSecond}/s, p95 ${p95} ms`,
  })
}

async function measureTransfer(
  work: string,
  mode: string,
  process: OtherProcess,
  { mib: size, rounds }: Measured,
  run: () => Promise<unknown>,
): Promise<void> {
  const speeds: number[] = []
  const cpuBefore = await process.cpuTime()
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    await run()
    speeds.push((size / (performance.now() - startedAt)) * 1000)
  }
  const cpuMs = ((await process.cpuTime()) - cpuBefore) / 1000
  const speed = Math.round(median(speeds))
  report({
    work,
    mode,
    mib_per_s: speed,
    cpu_ms_per_mib: rounded(cpuMs / size / rounds),
    summary: `${speed} MiB/s`,
  })
}

async function measureConnects(
  work: string,
  mode: string,
  process: OtherProcess,
  { connects }: Measured,
  connect: () => Promise<unknown>,
): Promise<void> {
  await connect()
  const cpuBefore = await process.cpuTime()
  const startedAt = performance.now()
  for (let i = 0; i < connects; i++) await connect()
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = (await process.cpuTime()) - cpuBefore
  report({
    work,
    mode,
    per_s: Math.round(connects / seconds),
    cpu_us_each: Math.round(cpu / connects),
    summary: `${Math.round(connects / seconds)}/s`,
  })
}
