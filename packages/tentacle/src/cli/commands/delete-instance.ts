import { instanceOptions } from '../../options/common-options.ts'
import { findRecord } from '../../settings/select-instance.ts'
import { openIndex } from '../choose-instance.ts'
import { plainCommand } from '../command.ts'

/**
 * Forgets an instance. Its settings, home and service stay, and a settings file that is already gone is no obstacle.
 * An instance that is chosen by its file is not registered, so there is nothing to forget.
 */
export const deleteInstance = plainCommand({
  options: instanceOptions,
  async run(options, { log, machine }) {
    const index = openIndex(machine)
    const { name } = await findRecord(index, {
      instance: options.text('instance'),
      config: options.text('config'),
      cwd: machine.cwd,
    })
    if (name === undefined) return
    await index.remove(name)
    log.info(`Deleted instance: ${name}`)
  },
})
