import { createHalibut, type Halibut, type ServiceClient } from '@tentacle/halibut'
import { measureCallsOf, rounded } from '../bench/measurements.ts'
import { residentMib } from '../bench/process-usage.ts'
import { usageOfBoth, usedBetween } from '../bench/usage-since.ts'
import type { Command, OptionValues, PeerIo } from '../cli/command.ts'
import { requiredText, subscription, thumbprints, webSocketPath, wholeNumber } from '../cli/option-values.ts'
import { PeerError } from '../cli/peer-error.ts'
import { readCertificateFile } from '../client/certificate-file.ts'
import { certificateOption, pollingOptions } from '../client/remote.ts'
import { BenchService } from '../services/contracts.ts'

/** Pollers that do not come are given up when none came for this long. */
const patienceMs = 60_000

const kibPerMib = 1024

interface Plan {
  readonly port: number
  readonly path: { readonly webSocketPath?: string }
  readonly name: string
  readonly count: number
  readonly calls: number
  readonly concurrency: number
  readonly peerPid: number | undefined
}

/** `bench-many`: what many pollers cost, and how fast any of them is called. */
export const benchMany: Command = {
  name: 'bench-many',
  summary: 'Waits for many polling subscriptions, calls random ones: one JSON line.',
  options: {
    listen: {
      ...pollingOptions.listen,
      help: 'where the peers connect to; 0 takes a free port',
      required: true,
    },
    trust: { ...pollingOptions.trust, help: 'their thumbprint', required: true },
    subscription: {
      value: 'poll://X',
      help: 'the beginning of their subscriptions: poll://X0 to poll://X(N-1)',
      required: true,
    },
    ...certificateOption,
    count: { value: 'N', help: 'how many subscriptions; as with serve-polling --count N', required: true },
    calls: { value: 'M', help: 'how many calls', required: true },
    concurrency: { value: 'C', help: 'callers at the same time; default 32' },
    websocket: pollingOptions.websocket,
    'peer-pid': { value: 'PID', help: 'process of the peers on this machine, to show what it used' },
  },
  async run(options, io) {
    const plan = planOf(options)
    const trust = thumbprints(options, 'trust')
    const certificate = await readCertificateFile(requiredText(options, 'cert'))
    const gathering = new Gathering(plan)
    const halibut = createHalibut({ certificate, trust, observer: gathering })
    try {
      io.out(JSON.stringify(await measure(halibut, gathering, plan, io)))
      return 0
    } finally {
      await halibut.close()
    }
  },
}

function planOf(options: OptionValues): Plan {
  requiredText(options, 'listen')
  return {
    port: wholeNumber(options, 'listen', { otherwise: 0, minimum: 0, maximum: 65_535 }),
    path: webSocketPath(options),
    name: subscription(options),
    count: wholeNumber(options, 'count', { otherwise: 1, maximum: 100_000 }),
    calls: wholeNumber(options, 'calls', { otherwise: 1, maximum: 10_000_000 }),
    concurrency: wholeNumber(options, 'concurrency', { otherwise: 32, maximum: 10_000 }),
    peerPid: options.has('peer-pid') ? wholeNumber(options, 'peer-pid', { otherwise: 0 }) : undefined,
  }
}

async function measure(halibut: Halibut, gathering: Gathering, plan: Plan, io: PeerIo) {
  const { count, calls, concurrency, peerPid } = plan
  const emptyMib = residentMib()
  const begin = performance.now()
  const connecting = usageOfBoth(peerPid)
  const listener = await halibut.listen({ port: plan.port, ...plan.path })
  io.note(`Waiting on port ${listener.port} for ${count} subscriptions.`)
  await gathering.complete(io)
  const connectSeconds = (performance.now() - begin) / 1000
  const connected = usageOfBoth(peerPid)
  const fullMib = residentMib()

  const services = gathering.names.map(name => halibut.client(BenchService, { baseUri: `${name}/` }))
  const before = usageOfBoth(peerPid)
  const figures = await measureCallsOf(() => anyOf(services), calls, concurrency)
  const used = usedBetween(before, usageOfBoth(peerPid))
  return {
    what: 'many',
    mode: 'polling',
    count,
    calls,
    concurrency,
    ...figures,
    connect_seconds: rounded(connectSeconds),
    connect_cpu_s: usedBetween(connecting, connected).cpu_s,
    kib_per_connection: rounded(((fullMib - emptyMib) * kibPerMib) / count),
    rss_mib: rounded(fullMib),
    ...used,
  }
}

type Bench = ServiceClient<typeof BenchService>

function anyOf(services: readonly Bench[]): Bench {
  const service = services[Math.floor(Math.random() * services.length)]
  if (!service) throw new Error('There is no subscription.')
  return service
}

/** Counts the subscriptions that are polled. */
class Gathering {
  readonly names: readonly string[]
  readonly #wanted: ReadonlySet<string>
  readonly #missing: Set<string>
  readonly #complete = Promise.withResolvers<void>()
  #lastCameAt = performance.now()

  constructor({ name, count }: Plan) {
    this.names = Array.from({ length: count }, (_, index) => `${name}${index}`)
    this.#wanted = new Set(this.names.map(each => `${each}/`))
    this.#missing = new Set(this.#wanted)
  }

  subscriberConnected(subscription: string): void {
    if (!this.#missing.delete(subscription)) return
    this.#lastCameAt = performance.now()
    if (this.#missing.size === 0) this.#complete.resolve()
  }

  subscriberDisconnected(subscription: string): void {
    if (this.#wanted.has(subscription)) this.#missing.add(subscription)
  }

  /** Waits until all are there. @throws PeerError `ERR_FAILED` when no more of them come */
  async complete({ signal }: PeerIo): Promise<void> {
    const watch = setInterval(() => {
      if (performance.now() - this.#lastCameAt < patienceMs) return
      const present = this.names.length - this.#missing.size
      this.#fail(
        `Only ${present} of ${this.names.length} subscriptions are polled, and no more of them came.`,
      )
    }, 1000)
    const onAbort = () => this.#fail('It was told to end while it waited for subscriptions.')
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#complete.promise
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', onAbort)
    }
  }

  #fail(message: string): void {
    this.#complete.reject(new PeerError('ERR_FAILED', message))
  }
}
