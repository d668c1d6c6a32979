import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { HalibutObserver, HostedService, UnauthorizedPeer } from '@tentacle/halibut'
import { informationalVersion } from '../cli/version.ts'
import { heartbeatFileName } from '../host/heartbeat.ts'
import type { PolledServer } from '../host/poll-servers.ts'
import type { Log } from '../logging/log.ts'
import type { ScriptCensus } from '../scripts/script-engine.ts'
import type { ScriptObserver } from '../scripts/script-observer.ts'
import { CallMetrics } from './call-metrics.ts'
import { ConnectionMetrics } from './connection-metrics.ts'
import { type Family, formatMetrics } from './exposition.ts'
import { openHomeMetrics } from './home-metrics.ts'
import { gauge, gauges } from './instruments.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { ScriptMetrics } from './script-metrics.ts'
import { type MetricsServer, serveMetrics } from './serve-metrics.ts'
import { type MetricsFile, writeMetrics } from './write-metrics.ts'

/** A heartbeat that is older, in ms, is one of an agent that hangs; the same age as for the command `livez`. */
const freshMs = 60_000

/** Whose metrics they are, and where they are shown. */
export interface MetricsOptions {
  /** On every sample, to tell the agents of a machine apart. */
  readonly agent: string
  readonly home: string
  readonly port: number | undefined
  readonly file: string | undefined
  readonly now: () => Date
  readonly log: Log
}

/** What is asked when metrics are shown. */
export interface MetricsSources {
  readonly polled: readonly PolledServer[]
  /** What the scripts do at this moment. */
  readonly scripts: () => ScriptCensus
}

/**
 * Counts what an agent does, and shows it on a port of the loopback address, in a file, or both
 * (docs/wire/tentacle-metrics.md). An agent that is not set to show metrics has none of this.
 */
export class AgentMetrics {
  readonly #options: MetricsOptions
  readonly #scripts = new ScriptMetrics()
  readonly #connections = new ConnectionMetrics()
  readonly #calls = new CallMetrics()
  readonly #process = new ProcessMetrics()
  readonly #home: () => Promise<Family[]>
  #isUp = true
  #server: MetricsServer | undefined
  #file: MetricsFile | undefined

  constructor(options: MetricsOptions) {
    this.#options = options
    this.#home = openHomeMetrics(options.home)
  }

  /** Hears of scripts. */
  get scripts(): ScriptObserver {
    return this.#scripts
  }

  /** Hears of connections. */
  get connections(): HalibutObserver {
    return this.#connections
  }

  /** Hears of callers whose certificates are not trusted. */
  stranger(who: UnauthorizedPeer): void {
    this.#connections.stranger(who)
  }

  /** The same services, with their calls counted. */
  observed(services: readonly HostedService[]): HostedService[] {
    return services.map(service => this.#calls.observed(service))
  }

  /** Opens the port and begins the file. What fails is logged: an agent works without metrics. */
  async show(sources: MetricsSources): Promise<void> {
    const { port, file, log } = this.#options
    const metrics = () => this.#render(sources)
    if (port !== undefined)
      this.#server = await serveMetrics(port, { metrics, trouble: () => this.#trouble() }, log)
    if (file !== undefined) this.#file = writeMetrics(file, metrics, log)
  }

  /** Closes the port, and leaves in the file that the agent does not run. */
  async close(): Promise<void> {
    this.#isUp = false
    this.#process.stop()
    await this.#server?.close()
    await this.#file?.close()
  }

  async #render({ polled, scripts }: MetricsSources): Promise<string> {
    const families = [
      gauge(
        { name: 'tentacle_up', help: 'Whether the agent runs (1) or has been stopped (0).' },
        Number(this.#isUp),
      ),
      gauges({ name: 'tentacle_build_info', help: 'Always 1; the labels say what the agent is.' }, [
        {
          labels: {
            version: informationalVersion,
            node: process.versions.node,
            platform: process.platform,
          },
          value: 1,
        },
      ]),
      ...(await this.#process.families()),
      ...this.#scripts.families(scripts()),
      ...this.#calls.families(),
      ...this.#connections.families(polled),
      ...(await this.#home()),
    ]
    return formatMetrics(families, { agent: this.#options.agent })
  }

  async #trouble(): Promise<string | undefined> {
    const { home, now } = this.#options
    const heartbeat = await stat(join(home, heartbeatFileName)).catch(() => undefined)
    if (heartbeat === undefined)
      return 'There is no heartbeat: the agent is starting, or cannot write its home.'
    const ageMs = now().getTime() - heartbeat.mtimeMs
    if (ageMs <= freshMs) return undefined
    return `The last heartbeat was ${Math.floor(ageMs / 1000)} s ago: the agent cannot write its home, or hangs.`
  }
}
