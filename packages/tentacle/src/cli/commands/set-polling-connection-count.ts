import { TentacleError } from '../../errors.ts'
import { value } from '../../options/option-table.ts'
import { settingsKeys } from '../../settings/settings-keys.ts'
import { instanceCommand } from '../command.ts'

/** Sets how many connections the agent holds to each server that it polls. */
export const setPollingConnectionCount = instanceCommand({
  options: {
    pollingConnectionCount: value('pollingConnectionCount', 'Connections to each polled server, 1 or more'),
  },
  async run(options, { settings, log, restartHint }) {
    const typed = options.text('pollingConnectionCount')
    if (typed === undefined) {
      throw new TentacleError(
        'ERR_USAGE',
        'Say how many connections to hold, for example --pollingConnectionCount=5',
      )
    }
    const count = parseConnectionCount(typed)
    await settings.change(draft => draft.set(settingsKeys.pollingConnectionCount, count))
    log.info(`Polling connection count set to: ${count}`)
    restartHint()
  },
})

/** @throws TentacleError `ERR_USAGE` for anything but a whole number from 1 on. */
export function parseConnectionCount(typed: string): number {
  const count = /^\s*[+]?\d{1,9}\s*$/.test(typed) ? Number(typed) : 0
  if (count >= 1) return count
  throw new TentacleError(
    'ERR_USAGE',
    `'${typed}' cannot be the number of polling connections: give a whole number, 1 or more, as in --pollingConnectionCount=5`,
  )
}
