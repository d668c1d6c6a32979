import { DataStream, type HostedService, type Method } from '@tentacle/halibut'
import type { Family } from './exposition.ts'
import { Counter, gauge, Histogram } from './instruments.ts'

/** Seconds. Calls that wait for a script may take half a minute. */
const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

interface CallLabels {
  readonly service: string
  readonly method: string
}

/** Counts the calls of servers, and the files that come and go with them. */
export class CallMetrics {
  readonly #calls = new Counter<keyof CallLabels | 'outcome'>({
    name: 'tentacle_rpc_calls_total',
    help: 'Calls of servers that were carried out, by whether they were answered with a result or with an error.',
  })
  readonly #durations = new Histogram<keyof CallLabels>(
    {
      name: 'tentacle_rpc_call_duration_seconds',
      help: 'How long the agent took over calls, until there was an answer to send.',
    },
    durationBounds,
  )
  readonly #received = new Counter(
    { name: 'tentacle_files_received_total', help: 'Files that were uploaded to this machine.' },
    [{}],
  )
  readonly #receivedBytes = new Counter(
    {
      name: 'tentacle_files_received_bytes_total',
      help: 'Bytes of files, and of parts of them, that were uploaded.',
    },
    [{}],
  )
  readonly #sent = new Counter(
    {
      name: 'tentacle_files_sent_total',
      help: 'Files of this machine that were answered with.',
    },
    [{}],
  )
  readonly #sentBytes = new Counter(
    {
      name: 'tentacle_files_sent_bytes_total',
      help: 'Bytes of files, and of parts of them, that were answered with.',
    },
    [{}],
  )
  #running = 0

  /** The same service, with its calls counted. */
  observed(service: HostedService): HostedService {
    // An implementation is made once for all requests, as a rule.
    const counted = new WeakMap<object, object>()
    const open = () => {
      const implementation = service.open()
      const known = counted.get(implementation) ?? this.#counted(implementation, service)
      counted.set(implementation, known)
      return known
    }
    return { ...service, open }
  }

  families(): Family[] {
    return [
      this.#calls.family(),
      this.#durations.family(),
      gauge(
        { name: 'tentacle_rpc_calls_running', help: 'Calls of servers that are carried out now.' },
        this.#running,
      ),
      this.#received.family(),
      this.#receivedBytes.family(),
      this.#sent.family(),
      this.#sentBytes.family(),
    ]
  }

  #counted(implementation: object, { contract }: HostedService): object {
    const methods = Object.entries(contract.methods).flatMap(([key, method]) => {
      const run: unknown = Reflect.get(implementation, key)
      if (typeof run !== 'function') return []
      const labels = { service: contract.wireName, method: wireNameOf(key, method) }
      const count = (...args: unknown[]) =>
        this.#count(labels, args, () => Reflect.apply(run, implementation, args))
      return [[key, count] as const]
    })
    return Object.fromEntries(methods)
  }

  async #count(labels: CallLabels, args: readonly unknown[], run: () => unknown): Promise<unknown> {
    const startedAt = performance.now()
    let outcome = 'error'
    this.#running++
    try {
      const result = await run()
      outcome = 'result'
      this.#countFiles(args, result)
      return result
    } finally {
      this.#running--
      this.#calls.add({ ...labels, outcome })
      this.#durations.observe(labels, (performance.now() - startedAt) / 1000)
    }
  }

  /**
   * Streams of the arguments and of the answer are files or parts of files; those that come with a script are inside of
   * its command. A file counts with its last part.
   */
  #countFiles(args: readonly unknown[], answer: unknown): void {
    const streams = args.filter(arg => arg instanceof DataStream)
    for (const { length } of streams) this.#receivedBytes.add({}, length)
    if (streams.length > 0 && (isFile(answer) || isFile(memberOf(answer, 'result')))) this.#received.add({})
    const sent = answer instanceof DataStream ? answer : memberOf(answer, 'content')
    if (!(sent instanceof DataStream)) return
    this.#sentBytes.add({}, sent.length)
    if (sent === answer || isLastPart(sent, args[0], answer)) this.#sent.add({})
  }
}

/** Whether this is what the file transfer services answer about a file that is in its place. */
function isFile(value: unknown): boolean {
  return typeof memberOf(value, 'hash') === 'string'
}

function isLastPart({ length }: DataStream, request: unknown, answer: unknown): boolean {
  return Number(memberOf(request, 'offset')) + length === memberOf(answer, 'length')
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** As the protocol calls it. */
function wireNameOf(key: string, { wireName }: Method): string {
  return wireName ?? key.charAt(0).toUpperCase() + key.slice(1)
}
