import { TentacleError } from '../../errors.ts'
import type { Log } from '../../logging/log.ts'
import { value } from '../../options/option-table.ts'
import type { WindowsServices } from '../../service-manager/windows-services.ts'
import { openIndex } from '../choose-instance.ts'
import { type CommandContext, plainCommand } from '../command.ts'
import { windowsServices } from '../open-service-manager.ts'
import { demandWindows } from '../windows-only.ts'

/** Starts the services of agents that should run and do not; the watchdog's task calls it. */
export const checkservices = plainCommand({
  options: {
    instances: value('instances', 'Names of the instances to look at, with , or ; between them; * for all'),
  },
  async run(options, context) {
    const wanted = options.nonEmpty('instances')
    if (wanted === undefined) {
      throw new TentacleError(
        'ERR_USAGE',
        'Say which instances to look at: --instances=NAME,NAME or --instances=*.',
      )
    }
    const services = windowsServices(context.machine, demandWindows(context.machine), context.log)
    await startStopped(await namesOf(wanted, context), services, context.log)
  },
})

async function namesOf(wanted: string, { machine }: CommandContext): Promise<readonly string[]> {
  const { instances } = await openIndex(machine).load()
  const known = instances.map(({ name }) => name)
  if (wanted.trim() === '*') return known
  return wanted
    .split(/[,;]/)
    .map(name => name.trim())
    .filter(name => name !== '')
    .map(name => known.find(one => one.toLowerCase() === name.toLowerCase()) ?? name)
}

async function startStopped(names: readonly string[], services: WindowsServices, log: Log): Promise<void> {
  const failed: string[] = []
  for (const name of names) {
    const service = services.nameOf(name)
    try {
      const state = services.state(name)
      if (state === undefined) log.info(`The service ${service} is not installed`)
      else if (state !== 'STOPPED') log.info(`The service ${service} is ${state.toLowerCase()}`)
      else await services.start(name)
    } catch (error) {
      if (!(error instanceof TentacleError)) throw error
      log.error(error.message)
      failed.push(service)
    }
  }
  if (failed.length > 0) {
    throw new TentacleError('ERR_SERVICE', `These services could not be looked after: ${failed.join(', ')}.`)
  }
}
