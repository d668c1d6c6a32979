import type { ServiceControl } from '../service-manager/service-control.ts'
import type { LegacyInstances } from '../settings/instance-index.ts'
import type { SecretBox } from '../settings/machine-key.ts'
import { dataProtection } from './data-protection.ts'
import { isElevated } from './elevation.ts'
import { writeErrorEvent } from './event-log.ts'
import { registryInstances } from './legacy-instances.ts'
import { watchMutex } from './named-mutex.ts'
import { windowsServiceControl } from './service-control.ts'
import { connectService, type WindowsService } from './service-host.ts'

/** What the agent asks Windows for beside files, processes and sockets. Each throws TentacleError `ERR_PLATFORM`. */
export interface Windows {
  /** How settings are kept secret. */
  readonly secrets: SecretBox
  /** The instances that old versions have left in the registry. */
  readonly legacyInstances: LegacyInstances
  /** Whether this process has the rights of an administrator. */
  isElevated(): boolean
  /** Writes an error to the event log. */
  writeErrorEvent(text: string): void
  /** The services of this machine. */
  readonly services: ServiceControl
  /** Calls `free` once when a mutex can be taken; stopped by the returned function. */
  watchMutex(name: string, free: () => void): () => void
  /** The service that this process is; undefined when nobody has started it as one. */
  connectService(): Promise<WindowsService | undefined>
}

/** The Windows that this process runs on. Nothing is loaded before it is used. */
export const windows: Windows = {
  secrets: dataProtection,
  legacyInstances: registryInstances,
  isElevated,
  writeErrorEvent,
  services: windowsServiceControl,
  watchMutex,
  connectService,
}
