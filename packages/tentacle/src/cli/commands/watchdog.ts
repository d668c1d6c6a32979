import { TentacleError } from '../../errors.ts'
import { flag, value } from '../../options/option-table.ts'
import {
  createTaskArguments,
  deleteTaskArguments,
  taskScheduler,
} from '../../service-manager/watchdog-task.ts'
import { plainCommand } from '../command.ts'
import { programsOf } from '../open-service-manager.ts'
import { demandWindows } from '../windows-only.ts'

const defaultInterval = 5

/** Lets Windows look regularly whether the services of agents run. */
export const watchdog = plainCommand({
  options: {
    create: flag('create', 'Makes the scheduled task, or changes it'),
    delete: flag('delete', 'Removes the scheduled task'),
    interval: value('interval', `Minutes between two looks; ${defaultInterval} if none is given`),
    instances: value(
      'instances',
      'Names of the instances, with , or ; between them; * for all is the default',
    ),
  },
  async run(options, { machine, log }) {
    const interval = options.integer('interval')
    const instances = options.nonEmpty('instances') ?? '*'
    if (interval !== undefined && interval < 1) {
      throw new TentacleError('ERR_USAGE', '--interval must be a number of minutes above 0.')
    }
    if (instances.includes('"')) throw new TentacleError('ERR_USAGE', 'Names of instances have no quotes.')
    if (options.has('delete')) log.info('Removing watchdog task')
    else if (options.has('create')) {
      log.info('Creating watchdog task')
      if (interval !== undefined) log.info(`Setting watchdog task interval to ${interval} minutes`)
    }
    demandWindows(machine)
    const { executable } = machine.program
    if (options.has('delete')) await schedule(deleteTaskArguments())
    else if (options.has('create')) {
      await schedule(createTaskArguments({ executable, interval: interval ?? defaultInterval, instances }))
    }

    async function schedule(args: readonly string[]): Promise<void> {
      const { exitCode, stderr } = await programsOf(machine)(taskScheduler, args)
      if (exitCode === 0) return
      throw new TentacleError(
        'ERR_SERVICE',
        `The scheduled task could not be changed: ${taskScheduler} ended with ${exitCode}. ${stderr.trim()}`,
      )
    }
  },
})
