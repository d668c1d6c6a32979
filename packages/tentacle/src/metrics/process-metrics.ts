import { readdir } from 'node:fs/promises'
import type { Family } from './exposition.ts'
import { counted, gauge, Histogram } from './instruments.ts'

/** How often the event loop is asked, in ms: often enough for a picture, too seldom to keep a machine awake. */
const askEveryMs = 500

const delayBounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** What the agent's process uses of the machine. Names begin with `tentacle_`: exporters have such metrics of their own. */
export class ProcessMetrics {
  readonly #delays = new Histogram(
    {
      name: 'tentacle_event_loop_delay_seconds',
      help: 'How late a timer of the agent was; asked twice a second.',
    },
    delayBounds,
  )
  readonly #asking: NodeJS.Timeout
  #dueAt = performance.now() + askEveryMs

  constructor() {
    this.#asking = setInterval(() => {
      const now = performance.now()
      this.#delays.observe({}, Math.max(0, now - this.#dueAt) / 1000)
      this.#dueAt = now + askEveryMs
    }, askEveryMs).unref()
  }

  stop(): void {
    clearInterval(this.#asking)
  }

  async families(): Promise<Family[]> {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, heapTotal } = process.memoryUsage()
    return [
      gauge(
        {
          name: 'tentacle_process_start_time_seconds',
          help: 'When the agent was started, in seconds since 1970.',
        },
        performance.timeOrigin / 1000,
      ),
      counted(
        {
          name: 'tentacle_process_cpu_seconds_total',
          help: 'Processor time that the agent has used, without scripts.',
        },
        (user + system) / 1e6,
      ),
      gauge(
        {
          name: 'tentacle_process_resident_memory_bytes',
          help: 'Memory of the agent, without keeper and scripts.',
        },
        rss,
      ),
      gauge({ name: 'tentacle_heap_used_bytes', help: 'Memory in use for objects of the agent.' }, heapUsed),
      gauge(
        { name: 'tentacle_heap_size_bytes', help: 'Memory set aside for objects of the agent.' },
        heapTotal,
      ),
      gauge(
        { name: 'tentacle_process_open_fds', help: 'Files, sockets and pipes that the agent has open.' },
        await openDescriptors(),
      ),
      this.#delays.family(),
    ]
  }
}

/** Undefined on systems that do not show it. */
async function openDescriptors(): Promise<number | undefined> {
  const found = await readdir('/proc/self/fd').catch(() => undefined)
  return found === undefined ? undefined : found.length - 1 // one is open for reading the folder
}
