import { formatOptions } from '../../options/common-options.ts'
import { formatOf } from '../../options/format.ts'
import { openIndex } from '../choose-instance.ts'
import { plainCommand } from '../command.ts'

/** Lists what is registered. A record that cannot be read is an error: a list that leaves one out would be a lie. */
export const listInstances = plainCommand({
  options: formatOptions,
  async run(options, { payload, machine }) {
    const format = formatOf(options.text('format'))
    const { instances, damaged } = await openIndex(machine).load()
    if (damaged[0] !== undefined) throw damaged[0].error
    if (format === 'json') {
      const records = instances.map(({ name, configPath }) => ({
        InstanceName: name,
        ConfigurationFilePath: configPath,
      }))
      payload(JSON.stringify(records, null, 2))
    } else if (instances.length === 0) payload('No instances installed')
    else {
      for (const { name, configPath } of instances)
        payload(`Instance '${name}' uses configuration '${configPath}'.\n`)
    }
  },
})
