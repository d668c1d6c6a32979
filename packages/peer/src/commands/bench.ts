import {
  type Figures,
  measureCalls,
  measureConnects,
  measureDownload,
  measureUpload,
} from '../bench/measurements.ts'
import { usageOfBoth, usedBetween } from '../bench/usage-since.ts'
import type { Command } from '../cli/command.ts'
import { wholeNumber, wholeNumbers } from '../cli/option-values.ts'
import { usageError } from '../cli/peer-error.ts'
import {
  certificateOption,
  listeningOptions,
  openRemote,
  pollingOptions,
  type Remote,
} from '../client/remote.ts'

const kinds = ['rpc', 'upload', 'download', 'connect'] as const
type Kind = (typeof kinds)[number]

/** Connecting is a hundred times slower than a call, so it is measured that many times less often. */
const connectsPerCall = 100

interface Plan {
  readonly what: readonly Kind[]
  readonly n: number
  readonly concurrency: readonly number[]
  readonly mib: number
}

interface Measurement {
  readonly what: Kind
  /** Printed with the result: what was asked for. */
  readonly settings: Readonly<Record<string, number>>
  measure(remote: Remote): Promise<Figures>
}

/** `bench`: how fast a peer is, one JSON line for each measurement. */
export const bench: Command = {
  name: 'bench',
  summary: 'Measures a peer: one JSON line for each measurement.',
  options: {
    ...listeningOptions,
    ...pollingOptions,
    ...certificateOption,
    what: { value: 'LIST', help: `some of ${kinds.join(',')}; default all of them` },
    n: { value: 'N', help: 'calls in each rpc measurement; default 5000' },
    concurrency: { value: 'LIST', help: 'callers at the same time; default 1,8,32' },
    mib: { value: 'MIB', help: 'size of an upload or download; default 256' },
    'peer-pid': { value: 'PID', help: 'process of the peer on this machine, to show what it used' },
  },
  async run(options, io) {
    const plan: Plan = {
      what: parseKinds(options.get('what')),
      n: wholeNumber(options, 'n', { otherwise: 5000, maximum: 10_000_000 }),
      concurrency: wholeNumbers(options, 'concurrency', [1, 8, 32]),
      mib: wholeNumber(options, 'mib', { otherwise: 256, maximum: 1_048_576 }),
    }
    const peerPid = options.has('peer-pid') ? wholeNumber(options, 'peer-pid', { otherwise: 0 }) : undefined
    const remote = await openRemote(options, io)
    try {
      for (const { what, settings, measure } of plan.what.flatMap(kind => measurementsOf[kind](plan))) {
        if (io.signal.aborted) return 1
        if (what === 'connect' && remote.kind === 'polling') {
          io.out(
            JSON.stringify({
              what,
              mode: remote.kind,
              skipped: 'a polling peer makes its connections itself',
            }),
          )
          continue
        }
        const before = usageOfBoth(peerPid)
        const figures = await measure(remote)
        const used = usedBetween(before, usageOfBoth(peerPid))
        io.out(JSON.stringify({ what, mode: remote.kind, ...settings, ...figures, ...used }))
      }
      return 0
    } finally {
      await remote.close()
    }
  },
}

function parseKinds(text: string | undefined): readonly Kind[] {
  if (text === undefined) return kinds
  return text.split(',').map(part => {
    const kind = kinds.find(name => name === part.trim())
    if (!kind) throw usageError(`--what takes some of ${kinds.join(',')}, not '${part}'.`)
    return kind
  })
}

/** The measurements of each kind. */
const measurementsOf: Readonly<Record<Kind, (plan: Plan) => readonly Measurement[]>> = {
  rpc: ({ n, concurrency }) =>
    concurrency.map(callers => ({
      what: 'rpc',
      settings: { n, concurrency: callers },
      measure: remote => measureCalls(remote, n, callers),
    })),
  upload: ({ mib }) => [{ what: 'upload', settings: { mib }, measure: remote => measureUpload(remote, mib) }],
  download: ({ mib }) => [
    { what: 'download', settings: { mib }, measure: remote => measureDownload(remote, mib) },
  ],
  connect: ({ n }) => {
    const connects = Math.max(1, Math.round(n / connectsPerCall))
    return [
      { what: 'connect', settings: { n: connects }, measure: remote => measureConnects(remote, connects) },
    ]
  },
}
