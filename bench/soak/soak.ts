import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createCertificate,
  createHalibut,
  type HalibutObserver,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { longestCallMs, soakLimits } from './contract.ts'
import { Ledger, type Verdict } from './ledger.ts'
import { leftOpen } from './left-open.ts'
import { Load } from './load.ts'
import { judgeMemory, type MemorySample, type MemoryVerdict, sampleMemory } from './memory.ts'
import type { SoakOptions } from './options.ts'
import { Random } from './random.ts'
import { Worker } from './workers.ts'

const workerCount = 2
const progressEveryMs = 10_000

/** What a soak came to. */
export interface SoakResult extends Verdict {
  readonly listening: number
  readonly polling: number
  readonly seconds: number
  readonly proxiedConnections: number
  readonly struckConnections: number
  readonly codes: Readonly<Record<string, number>>
  /** Of the process that calls, then of those with the services. */
  readonly memory: readonly MemoryVerdict[]
  readonly rssBytes: readonly number[]
}

class Counts implements HalibutObserver {
  opened = 0
  closed = 0
  readonly subscriptions = new Set<string>()

  connectionOpened(): void {
    this.opened++
  }

  connectionClosed(): void {
    this.closed++
  }

  subscriberConnected(subscription: string): void {
    this.subscriptions.add(subscription)
  }
}

/** Runs a soak. @returns figures, and in `violations` what must not be */
export async function soak(options: SoakOptions, print: (line: string) => void): Promise<SoakResult> {
  const folder = await mkdtemp(join(tmpdir(), 'halibut-soak-'))
  const ledger = new Ledger()
  const workers = Array.from({ length: workerCount }, () => new Worker(ids => ledger.ran(ids)))
  try {
    return await new Soak(options, { folder, ledger, workers, print }).run()
  } finally {
    for (const worker of workers) worker.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

interface SoakParts {
  readonly folder: string
  readonly ledger: Ledger
  readonly workers: readonly Worker[]
  readonly print: (line: string) => void
}

class Soak {
  readonly #options: SoakOptions
  readonly #folder: string
  readonly #ledger: Ledger
  readonly #workers: readonly Worker[]
  readonly #print: (line: string) => void
  readonly #counts = new Counts()
  readonly #memory: MemorySample[] = []
  readonly #violations: string[] = []
  readonly #startedAt = performance.now()

  constructor(options: SoakOptions, { folder, ledger, workers, print }: SoakParts) {
    this.#options = options
    this.#folder = folder
    this.#ledger = ledger
    this.#workers = workers
    this.#print = print
  }

  async run(): Promise<SoakResult> {
    const { minutes, peers, seed } = this.#options
    const own = await createCertificate({ commonName: 'Soak client' })
    const theirs = await createCertificate({ commonName: 'Soak service' })
    const ownFolder = join(this.#folder, 'client')
    const halibut = createHalibut({
      certificate: own,
      trust: [theirs.thumbprint],
      limits: soakLimits,
      observer: this.#counts,
      temporaryFolder: ownFolder,
    })
    const { port } = await halibut.listen({ port: 0, host: '127.0.0.1' })
    const subscriptions = Array.from({ length: peers }, (_, n) => `poll://soak-${n}/`)
    const listening = Math.ceil(peers / 10)
    const ports = await this.#startWorkers(
      { own: theirs, clientThumbprint: own.thumbprint, clientPort: port },
      subscriptions,
      listening,
    )
    const endpoints: ServiceEndPoint[] = [
      ...subscriptions.map(baseUri => ({ baseUri, thumbprint: theirs.thumbprint })),
      ...ports.map(each => ({ baseUri: `https://127.0.0.1:${each}`, thumbprint: theirs.thumbprint })),
    ]
    this.#print(`${peers} services poll and ${listening} listen; seed ${seed}.`)
    await until('the pollers', () => this.#counts.subscriptions.size >= peers * 0.9, { timeoutMs: 120_000 })

    const load = new Load(halibut, endpoints, { ledger: this.#ledger, random: new Random(seed) })
    const seconds = await this.#underLoad(load, minutes * 60_000)
    await this.#afterwards(load)
    for (const worker of this.#workers) await worker.sample()
    await halibut.close()
    await this.#nothingIsLeft(ownFolder)
    const verdict = this.#ledger.judge()
    const memory = [this.#memory, ...this.#workers.map(worker => worker.memory)]
    return {
      ...verdict,
      violations: [
        ...this.#violations,
        ...load.problems,
        ...verdict.violations.slice(0, 20),
        ...judged(memory),
      ],
      listening,
      polling: peers,
      seconds,
      proxiedConnections: this.#workers.reduce((sum, { connections }) => sum + connections, 0),
      struckConnections: this.#workers.reduce((sum, { struck }) => sum + struck, 0),
      codes: Object.fromEntries(load.codes),
      memory: memory.map(judgeMemory),
      rssBytes: memory.map(samples => samples.at(-1)?.rssBytes ?? 0),
    }
  }

  async #startWorkers(
    common: Pick<Parameters<Worker['start']>[0], 'own' | 'clientThumbprint' | 'clientPort'>,
    subscriptions: readonly string[],
    listening: number,
  ): Promise<number[]> {
    const started = await Promise.all(
      this.#workers.map((worker, index) =>
        worker.start({
          ...common,
          seed: this.#options.seed * 1000 + index + 1,
          subscriptions: subscriptions.filter((_, n) => n % workerCount === index),
          listening: Math.floor((listening + workerCount - 1 - index) / workerCount),
          temporaryFolder: join(this.#folder, `services-${index}`),
        }),
      ),
    )
    return started.flatMap(({ ports }) => ports)
  }

  /** Calls for a time, looking on. @returns for how many seconds */
  async #underLoad(load: Load, timeMs: number): Promise<number> {
    const startedAt = performance.now()
    const isOver = () => performance.now() - startedAt > timeMs || this.#workers.some(({ death }) => death)
    const callers = Math.min(64, Math.max(8, this.#options.peers))
    const calling = Promise.all(Array.from({ length: callers }, () => load.run(isOver)))
    // Enough samples for a judgement of short runs, few enough not to disturb long ones.
    const sampleEveryMs = Math.max(500, Math.min(5000, timeMs / 60))
    let lastProgressAt = startedAt
    let looking: Promise<void> | undefined
    const timer = setInterval(() => {
      looking ??= this.#look().finally(() => {
        looking = undefined
      })
      if (performance.now() - lastProgressAt < progressEveryMs) return
      lastProgressAt = performance.now()
      this.#progress()
    }, sampleEveryMs)
    try {
      await calling
    } finally {
      clearInterval(timer)
      await looking
    }
    return (performance.now() - startedAt) / 1000
  }

  async #look(): Promise<void> {
    const sample = sampleMemory(this.#startedAt)
    this.#memory.push({ ...sample, heapBytes: sample.heapBytes - this.#ledger.bytes })
    this.#violations.push(
      ...this.#ledger.overdue(performance.now()).map(id => `call ${id} hangs past its limit`),
    )
    await Promise.all(this.#workers.map(worker => worker.sample())).catch(error =>
      this.#violations.push(String(error)),
    )
  }

  #progress(): void {
    const { answered, failed, neverSent } = this.#ledger.judge()
    const struck = this.#workers.reduce((sum, worker) => sum + worker.struck, 0)
    const heaps = [this.#memory, ...this.#workers.map(({ memory }) => memory)].map(inMib)
    this.#print(
      `${this.#second()} s: ${answered} answered, ${failed + neverSent} failed, ${this.#ledger.outstanding} under way; ` +
        `${this.#counts.opened - this.#counts.closed} connections, ${struck} faults; heaps ${heaps.join(', ')} MiB`,
    )
  }

  #second(): number {
    return Math.round((performance.now() - this.#startedAt) / 1000)
  }

  /** Every call comes to its end, and with a network that is whole again every service answers. */
  async #afterwards(load: Load): Promise<void> {
    await until('all calls to end', () => this.#ledger.outstanding === 0, { timeoutMs: longestCallMs }).catch(
      () => {
        this.#violations.push(`${this.#ledger.outstanding} calls hang past their limit`)
      },
    )
    this.#print(`${this.#second()} s: the faults are over; every service is called once more.`)
    await Promise.all(this.#workers.map(worker => worker.heal()))
    this.#violations.push(...(await load.everyone(32)))
  }

  async #nothingIsLeft(ownFolder: string): Promise<void> {
    for (const [index, worker] of this.#workers.entries()) {
      const left = await worker.stop().catch(error => [String(error)])
      if (left.length > 0) this.#violations.push(`services ${index} left open: ${left.join(', ')}`)
    }
    const { opened, closed } = this.#counts
    if (opened !== closed) this.#violations.push(`${opened} connections were opened, ${closed} closed`)
    const left = [...(await leftOpen()), ...(await readdir(ownFolder).catch(() => []))]
    if (left.length > 0) this.#violations.push(`the client left open: ${left.join(', ')}`)
  }
}

function inMib(samples: readonly MemorySample[]): string {
  return ((samples.at(-1)?.heapBytes ?? 0) / 1024 / 1024).toFixed(1)
}

function judged(memory: readonly (readonly MemorySample[])[]): string[] {
  return memory.flatMap((samples, index) => {
    const { isFlat, growthBytes } = judgeMemory(samples)
    const who = index === 0 ? 'the client' : `services ${index - 1}`
    return isFlat
      ? []
      : [`the heap of ${who} grew by ${(growthBytes / 1024 / 1024).toFixed(1)} MiB in the second half`]
  })
}
