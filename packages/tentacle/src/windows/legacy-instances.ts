import type { InstanceRecord, LegacyInstances } from '../settings/instance-index.ts'
import { RegistryKey } from './registry.ts'

const instances = new RegistryKey('Software\\Octopus\\Tentacle')

/** Instances as old versions have registered them: a key each, with the path of the settings file. */
export const registryInstances: LegacyInstances = {
  list() {
    return instances.keys().flatMap((name): InstanceRecord[] => {
      const configPath = instances.at(name).text('ConfigurationFilePath')
      return configPath === undefined ? [] : [{ name, configPath }]
    })
  },
  remove(name) {
    const stored = instances.keys().find(key => key.toLowerCase() === name.toLowerCase())
    if (stored !== undefined) instances.at(stored).remove()
  },
}
