import { TentacleError } from '../../errors.ts'
import { list } from '../../options/option-table.ts'
import { instanceCommand } from '../command.ts'
import { registerOptions, runRegister } from './register-command.ts'

/** A worker runs many things at once, and each takes a connection while the server waits for it. */
const minimumConnections = 5

/** Makes this agent a worker of a server. */
export const registerWorker = instanceCommand({
  options: {
    ...registerOptions,
    workerPools: list('workerpool', 'Worker pool to be in, by name, slug or id; repeat for several'),
  },
  async run(given, context) {
    const workerPools = given.all('workerPools')
    if (workerPools.length === 0) {
      throw new TentacleError('ERR_USAGE', 'Give the pool that this worker is in: --workerpool=NAME')
    }
    const connections = Math.max(minimumConnections, context.machine.processors)
    await runRegister(given, { kind: 'worker', workerPools }, connections, context)
  },
})
