import { instanceOptions } from '../options/common-options.ts'
import { type ParsedOptions, parseOptions } from '../options/parse-options.ts'
import { environmentSettings } from '../settings/environment-settings.ts'
import { InstanceIndex } from '../settings/instance-index.ts'
import { createSecretBox } from '../settings/machine-key.ts'
import { selectInstance } from '../settings/select-instance.ts'
import { openSettings, type SettingsStore } from '../settings/settings-store.ts'
import type { Machine } from './machine.ts'

/** The instance of a command line, or why there is none. */
export interface ChosenInstance {
  readonly found?: { readonly name: string | undefined; readonly settings: SettingsStore }
  /** The folder of its logs and workspaces; `undefined` if there is no instance or its settings cannot be read. */
  readonly home: string | undefined
  /** Whether its log is kept for programs, too. */
  readonly hasStructuredLog?: boolean
  readonly error?: unknown
}

/** The instances of this machine. */
export function openIndex({ paths, windows }: Machine): InstanceIndex {
  return new InstanceIndex(paths.indexRoot, windows?.legacyInstances)
}

/** Chooses by `--instance` and `--config`, whatever else the command line says. Does not throw. */
export async function chooseInstance(machine: Machine, args: readonly string[]): Promise<ChosenInstance> {
  try {
    const options = parseOptions(instanceOptions, args)
    const index = openIndex(machine)
    const { name, configPath } = await selectInstance(index, {
      instance: options.text('instance'),
      config: options.text('config'),
      cwd: machine.cwd,
    })
    // An account that cannot write there can use the old record as well.
    if (name !== undefined) await index.adopt({ name, configPath }).catch(() => false)
    const settings = settingsAt(configPath, machine)
    return { found: { name, settings }, ...(await placeOfLogs(settings)) }
  } catch (error) {
    return { error, home: undefined }
  }
}

/** The same for a command that has taken its whole command line apart, since it writes no log and finds its instance itself. */
export function chooseGivenInstance(
  machine: Machine,
  given: Pick<ParsedOptions<typeof instanceOptions>, 'text'>,
): Promise<ChosenInstance> {
  const typed = (['instance', 'config'] as const).flatMap(option => {
    const text = given.text(option)
    return text === undefined ? [] : [`--${option}=${text}`]
  })
  return chooseInstance(machine, typed)
}

/** The settings of a file on this machine. */
export function settingsAt(configPath: string, machine: Machine): SettingsStore {
  return openSettings(configPath, {
    secrets: machine.windows?.secrets ?? createSecretBox(machine.paths),
    contributed: environmentSettings(machine.env, machine.program.folder),
    applications: machine.paths.applications,
  })
}

/** A command that reads damaged settings meets the error itself; some commands never read them. */
async function placeOfLogs(
  settings: SettingsStore,
): Promise<Pick<ChosenInstance, 'home' | 'hasStructuredLog'>> {
  return await settings.read().then(
    ({ home, hasStructuredLog }) => ({ home, hasStructuredLog }),
    () => ({ home: undefined }),
  )
}
