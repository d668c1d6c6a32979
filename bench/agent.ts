/**
 * What the agent costs: start of commands, start to listening, memory, trivial scripts through both services, many scripts
 * at once, much output, large files, waiting for work; beside the bare runtime and a bare bash in the same run. The agent is built first
 * and measured as it is installed. One JSON line for each measurement.
 *
 *   npm run bench -- agent [--rounds=20] [--scripts=100] [--output=50,1000] [--mib=256] [--idle=60]
 */
import {
  measureCommands,
  measureFiles,
  measureIdle,
  measureLatency,
  measureMemory,
  measureOutput,
  measureParallel,
  measureStart,
} from './agent/measurements.ts'
import { Place } from './agent/place.ts'
import { option } from './report.ts'

const rounds = option('rounds', 20)
const megabytes = (process.argv.find(word => word.startsWith('--output='))?.slice(9) ?? '50,1000')
  .split(',')
  .map(Number)

const place = await Place.open()
try {
  measureCommands(place, rounds)
  await measureStart(place, Math.ceil(rounds / 2))
  const agent = await place.listening(place.programs.built)
  measureMemory(agent, 'idle, listening')
  await measureLatency(place, agent, option('scripts', 100))
  await measureParallel(place, agent, [20, 200])
  measureMemory(agent, 'after scripts')
  await measureOutput(place, agent, megabytes)
  await measureFiles(place, agent, option('mib', 256))
  measureMemory(agent, 'after all of it')
  await agent.stop()
  await measureIdle(place, option('idle', 60))
} finally {
  await place.close()
}
