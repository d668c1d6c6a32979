import { dirname, resolve } from 'node:path'
import { value } from '../../options/option-table.ts'
import { defaultInstanceName } from '../../settings/select-instance.ts'
import { settingsKeys } from '../../settings/settings-keys.ts'
import { createSettingsFile } from '../../settings/settings-store.ts'
import { openIndex, settingsAt } from '../choose-instance.ts'
import { plainCommand } from '../command.ts'

/**
 * Makes a settings file and registers it under a name. Doing it again changes where the name points to and the home,
 * and keeps all other settings. Without a name and a file the instance is not registered: it is found by the folder that
 * it is in.
 */
export const createInstance = plainCommand({
  options: {
    instance: value('instance', `Name of the instance; '${defaultInstanceName}' if there is none`),
    config: value('config', 'Path of the settings file to make'),
    home: value('home', 'Folder for logs and workspaces; if there is none, that of the settings file'),
  },
  async run(options, { log, machine }) {
    const config = options.nonEmpty('config')
    const home = options.nonEmpty('home')
    const name = options.nonEmpty('instance') ?? (config === undefined ? undefined : defaultInstanceName)
    const configPath = resolve(machine.cwd, home ?? '', config ?? 'Tentacle.config')
    const index = openIndex(machine)
    if (name !== undefined) await index.checkFree(name)

    const created = await createSettingsFile(configPath)
    log.info(
      created
        ? `Creating empty configuration file: ${configPath}`
        : `Configuration file at ${configPath} already exists.`,
    )
    if (name !== undefined) {
      const stored = await index.register({ name, configPath })
      log.info(`Saving instance: ${stored}`)
    }
    const chosenHome = home ?? (config === undefined ? '.' : dirname(configPath))
    await settingsAt(configPath, machine).change(draft => draft.set(settingsKeys.home, chosenHome))
    log.info(`Setting home directory to: ${chosenHome}`)
  },
})
