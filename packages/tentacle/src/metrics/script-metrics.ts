import { scriptExitCodes } from '@tentacle/contracts'
import type { ScriptCensus } from '../scripts/script-engine.ts'
import type { EndOfScript, ScriptObserver } from '../scripts/script-observer.ts'
import type { Family } from './exposition.ts'
import { Counter, gauges, Histogram } from './instruments.ts'

/** How a script can end. A script cannot choose the agent's own exit codes: they are negative. */
const outcomes = [
  'succeeded',
  'failed',
  'cancelled',
  'timed_out_waiting',
  'not_started',
  'lost',
  'agent_error',
] as const

/** By what the agent answers in place of an exit code of the script. */
const outcomesByExitCode: ReadonlyMap<number, (typeof outcomes)[number]> = new Map([
  [0, 'succeeded'],
  [scriptExitCodes.cancelled, 'cancelled'],
  [scriptExitCodes.cancelledWhileWaiting, 'cancelled'],
  [scriptExitCodes.mutexTimedOut, 'timed_out_waiting'],
  [scriptExitCodes.shellNotStarted, 'not_started'],
  [scriptExitCodes.unknownResult, 'lost'],
  [scriptExitCodes.fatal, 'agent_error'],
])

/** Seconds: from a health check to a long deployment. */
const durationBounds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400]

/** Counts what becomes of scripts. */
export class ScriptMetrics implements ScriptObserver {
  readonly #started = new Counter(
    { name: 'tentacle_scripts_started_total', help: 'Scripts that this agent has begun to run.' },
    [{}],
  )
  readonly #adopted = new Counter(
    {
      name: 'tentacle_scripts_adopted_total',
      help: 'Running scripts that were taken over from an earlier process of the agent.',
    },
    [{}],
  )
  readonly #finished = new Counter<'outcome'>(
    {
      name: 'tentacle_scripts_finished_total',
      help: 'Scripts that are over, by how they ended; also those that never ran.',
    },
    outcomes.map(outcome => ({ outcome })),
  )
  readonly #durations = new Histogram(
    {
      name: 'tentacle_script_duration_seconds',
      help: 'How long scripts ran, from their start to their end, without the wait for their mutex.',
    },
    durationBounds,
  )

  started(): void {
    this.#started.add({})
  }

  adopted(): void {
    this.#adopted.add({})
  }

  finished({ exitCode, ranMs }: EndOfScript): void {
    this.#finished.add({ outcome: outcomesByExitCode.get(exitCode) ?? 'failed' })
    if (ranMs !== undefined) this.#durations.observe({}, ranMs / 1000)
  }

  /** @param census - what there is at this moment */
  families(census: ScriptCensus): Family[] {
    return [
      this.#started.family(),
      this.#adopted.family(),
      this.#finished.family(),
      this.#durations.family(),
      gauges(
        { name: 'tentacle_scripts_running', help: 'Scripts that run now, by their isolation.' },
        samplesOf(census.running),
      ),
      gauges(
        { name: 'tentacle_scripts_waiting', help: 'Scripts that wait for their mutex, by their isolation.' },
        samplesOf(census.waiting),
      ),
    ]
  }
}

function samplesOf(counts: ScriptCensus['running']) {
  return Object.entries(counts).map(([isolation, value]) => ({ labels: { isolation }, value }))
}
