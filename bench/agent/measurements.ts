import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { FileTransferService } from '@tentacle/contracts'
import { DataStream } from '@tentacle/halibut'
import { quantile, report, rounded } from '../report.ts'
import type { Place, RunningAgent } from './place.ts'
import { pausesOfOriginal, type RunOptions, runV1, runV2 } from './scripts.ts'

const mib = 1024 * 1024

function times(values: readonly number[]): { readonly p50_ms: number; readonly p95_ms: number } {
  const sorted = values.toSorted((a, b) => a - b)
  return { p50_ms: rounded(quantile(sorted, 0.5), 1), p95_ms: rounded(quantile(sorted, 0.95), 1) }
}

/** Does several things in turn, so that a change in the machine's speed meets all of them. */
function inTurn(rounds: number, works: ReadonlyMap<string, () => number>): void {
  const measured = new Map([...works.keys()].map(work => [work, [] as number[]]))
  for (let round = 0; round < rounds; round++)
    for (const [work, run] of works) measured.get(work)?.push(run())
  for (const [work, values] of measured) report({ work, ...times(values) })
}

/** Commands that do nothing long: what an operator waits for at a prompt. */
export function measureCommands(place: Place, rounds: number): void {
  const { built, sources } = place.programs
  const command =
    (program: string, ...args: readonly string[]) =>
    () =>
      place.command(program, args)
  inTurn(
    rounds,
    new Map([
      ['bare node', command(process.execPath, '-e', '0')],
      ['version', command(built, 'version')],
      ['version, from the sources', command(sources, 'version')],
      ['help', command(built, 'help')],
      ['show-thumbprint', command(built, 'show-thumbprint', '--instance=Bench')],
    ]),
  )
}

export async function measureStart(place: Place, rounds: number): Promise<void> {
  const { built, sources } = place.programs
  const measured = { built: [] as number[], sources: [] as number[], processor: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const [program, list] of [
      [built, measured.built],
      [sources, measured.sources],
    ] as const) {
      const agent = await place.listening(program)
      list.push(agent.startedInMs)
      if (program === built) measured.processor.push(agent.processorMs())
      await agent.stop()
    }
  }
  report({ work: 'start to listening', ...times(measured.built) })
  report({ work: 'start to listening, processor time', ...times(measured.processor) })
  report({ work: 'start to listening, from the sources', ...times(measured.sources) })
}

export function measureMemory(agent: RunningAgent, when: string): void {
  report({
    work: `memory, ${when}`,
    rss_mib: rounded(agent.memoryMib('Rss'), 1),
    pss_mib: rounded(agent.memoryMib('Pss'), 1),
  })
}

/** A trivial script from start to result, beside the shell alone. */
export async function measureLatency(place: Place, agent: RunningAgent, scripts: number): Promise<void> {
  const endpoint = place.endpoint(agent)
  await runV2(place.halibut, endpoint, 'echo hello')
  const [bash, second, first] = [[] as number[], [] as number[], [] as number[]]
  for (let n = 0; n < scripts; n++) {
    bash.push(place.command('/bin/bash', ['-c', 'echo hello']))
    second.push((await runV2(place.halibut, endpoint, 'echo hello')).ms)
    first.push(await runV1(place.halibut, endpoint, 'echo hello'))
  }
  report({ work: 'bare bash', ...times(bash) })
  report({ work: 'trivial script, V2', ...times(second) })
  report({ work: 'trivial script, V1', ...times(first) })
}

/** Many scripts at once, which run beside each other or, isolated, one after another. */
export async function measureParallel(
  place: Place,
  agent: RunningAgent,
  counts: readonly number[],
): Promise<void> {
  const endpoint = place.endpoint(agent)
  for (const count of counts) {
    for (const isolation of ['NoIsolation', 'FullIsolation'] as const) {
      const start = performance.now()
      const all = Array.from({ length: count }, () =>
        runV2(place.halibut, endpoint, 'echo hello', { isolation }),
      )
      await Promise.all(all)
      report({
        work: `${count} scripts at once, ${isolation}`,
        total_ms: rounded(performance.now() - start, 0),
      })
    }
    const start = performance.now()
    for (let n = 0; n < count; n++) place.command('/bin/bash', ['-c', 'echo hello'])
    report({
      work: `${count} × bare bash, one after another`,
      total_ms: rounded(performance.now() - start, 0),
    })
  }
}

/** Servers that fetch what a script prints. */
const callers: readonly (readonly [string, RunOptions])[] = [
  ['without pauses between questions', {}],
  ["with those of the original's server", { pauseMs: pausesOfOriginal }],
]

/** A script that prints much, until each kind of server has all of it. */
export async function measureOutput(
  place: Place,
  agent: RunningAgent,
  megabytes: readonly number[],
): Promise<void> {
  const line = 'x'.repeat(79)
  for (const size of megabytes) {
    // With pauses a gigabyte takes minutes in which nothing happens.
    for (const [caller, options] of size > 100 ? callers.slice(0, 1) : callers) {
      agent.forgetPeak()
      const script = `yes ${line} | head -c ${size * 1_000_000}; echo`
      const { ms, bytes } = await runV2(place.halibut, place.endpoint(agent), script, options)
      if (bytes < size * 1_000_000) throw new Error(`Of ${size} MB only ${bytes} bytes arrived.`)
      report({
        work: `${size} MB of output, ${caller}`,
        mb_per_s: rounded(size / (ms / 1000), 1),
        agent_peak_mib: rounded(agent.peakMib(), 0),
        keeper_peak_mib: rounded(agent.keeperPeakMib(), 0),
      })
    }
  }
}

/** One large file up and down again. */
export async function measureFiles(place: Place, agent: RunningAgent, sizeMib: number): Promise<void> {
  const files = place.halibut.client(FileTransferService, place.endpoint(agent))
  const piece = Buffer.alloc(mib, 7)
  agent.forgetPeak()
  let start = performance.now()
  const { fullPath } = await files.uploadFile(
    'bench.bin',
    DataStream.from(sizeMib * mib, async function* () {
      for (let n = 0; n < sizeMib; n++) yield piece
    }),
  )
  const speed = () => rounded(sizeMib / ((performance.now() - start) / 1000), 1)
  report({ work: `${sizeMib} MiB up`, mib_per_s: speed(), agent_peak_mib: rounded(agent.peakMib(), 0) })
  agent.forgetPeak()
  start = performance.now()
  const received = await files.downloadFile(fullPath)
  const copy = join(place.folder, 'received.bin')
  await received?.saveTo(copy)
  report({ work: `${sizeMib} MiB down`, mib_per_s: speed(), agent_peak_mib: rounded(agent.peakMib(), 0) })
  await rm(copy)
  await rm(fullPath)
}

/** What an agent that waits for work costs: one that polls, and so holds a connection. */
export async function measureIdle(place: Place, seconds: number): Promise<void> {
  const { port } = await place.halibut.listen({ port: 0, host: '127.0.0.1' })
  place.tentacle('configure', '--noListen=True')
  place.tentacle('server-comms', '--style=TentacleActive', '--host=127.0.0.1', `--port=${port}`)
  const agent = await place.start(place.programs.built, /LivenessHeartbeatTask.Start\(\): Starting/)
  await wait(5_000)
  const before = agent.processorMs()
  await wait(seconds * 1000)
  const used = agent.processorMs() - before
  report({
    work: `idle, polling, ${seconds} s`,
    processor_s_per_hour: rounded((used / 1000) * (3600 / seconds), 1),
  })
  measureMemory(agent, 'idle, polling')
  await agent.stop()
}
