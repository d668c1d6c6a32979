import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TentacleError } from '../../errors.ts'
import { heartbeatFileName } from '../../host/heartbeat.ts'
import { value } from '../../options/option-table.ts'
import { instanceCommand } from '../command.ts'

/** A liveness probe: silent and 0 while the agent's heartbeat is fresh, 1 with a reason when it is not. */
export const livez = instanceCommand({
  options: {
    maxAge: value('max-age', 'Seconds after which a heartbeat is too old; 60 if none is given'),
  },
  async run(options, { settings, machine }) {
    const maxAge = options.integer('maxAge') ?? 60
    if (maxAge <= 0) throw new TentacleError('ERR_USAGE', '--max-age must be a number of seconds above 0.')
    const file = join((await settings.read()).home, heartbeatFileName)
    const heartbeat = await stat(file).catch(() => undefined)
    if (heartbeat === undefined) {
      throw new TentacleError('ERR_REFUSED', `There is no heartbeat at ${file}: the agent is not running.`)
    }
    const age = Math.floor((machine.now().getTime() - heartbeat.mtimeMs) / 1000)
    if (age <= maxAge) return
    throw new TentacleError(
      'ERR_REFUSED',
      `The last heartbeat at ${file} was ${age}s ago, which is more than ${maxAge}s: the agent does not run or hangs.`,
    )
  },
})
