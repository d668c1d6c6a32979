import { TentacleError } from '../src/errors.ts'
import type {
  ServiceControl,
  ServiceState,
  WindowsServiceSettings,
} from '../src/service-manager/service-control.ts'
import type { InstanceRecord } from '../src/settings/instance-index.ts'
import type { Windows } from '../src/windows/windows.ts'

/** A service of the stand-in. */
export interface StandInService {
  settings: WindowsServiceSettings
  state: ServiceState
}

/** Windows' number for what is not there. */
const missing = 1060

/** Services that start and stop at once, unless a test has them refuse; and who was given the right to log on. */
export class StandInServices implements ServiceControl {
  readonly services = new Map<string, StandInService>()
  readonly mayLogOn: string[] = []
  /** Windows' numbers for why the next calls are refused; 0 for one that is not. */
  refusals: number[] = []
  /** Where a service is after it was told to start. */
  afterStart: ServiceState = 'RUNNING'

  create(name: string, settings: WindowsServiceSettings): boolean {
    this.#refuse()
    if (this.services.has(name)) return false
    this.services.set(name, { settings, state: 'STOPPED' })
    return true
  }

  configure(name: string, settings: WindowsServiceSettings): void {
    this.#refuse()
    this.#find(name).settings = settings
  }

  state(name: string): ServiceState | undefined {
    return this.services.get(name)?.state
  }

  async start(name: string): Promise<void> {
    this.#refuse()
    this.#find(name).state = this.afterStart
  }

  stop(name: string): void {
    this.#refuse()
    this.#find(name).state = 'STOPPED'
  }

  remove(name: string): void {
    this.#refuse()
    this.services.delete(name)
  }

  allowServiceLogon(account: string): void {
    this.mayLogOn.push(account)
  }

  registerEventSource(): void {}

  #find(name: string): StandInService {
    const found = this.services.get(name)
    if (found === undefined) throw refusal(missing)
    return found
  }

  #refuse(): void {
    const code = this.refusals.shift() ?? 0
    if (code !== 0) throw refusal(code)
  }
}

function refusal(code: number): TentacleError {
  return new TentacleError('ERR_PLATFORM', `Refused (Windows error ${code}).`, {
    details: { windowsError: code },
  })
}

/** A Windows whose parts are as simple as they can be. */
export interface StandInWindows extends Windows {
  readonly services: StandInServices
  /** What is in its registry. */
  readonly registered: InstanceRecord[]
}

/** @param isElevated - whether the test's process is said to have the rights of an administrator */
export function standInWindows(isElevated = true): StandInWindows {
  const registered: InstanceRecord[] = []
  return {
    // Not secret, but not the plain text either.
    secrets: {
      encrypt: async text => Buffer.from(text, 'utf8').toString('base64'),
      decrypt: async sealed => Buffer.from(sealed, 'base64').toString('utf8'),
    },
    registered,
    services: new StandInServices(),
    legacyInstances: {
      list: () => [...registered],
      remove(name) {
        const index = registered.findIndex(one => one.name.toLowerCase() === name.toLowerCase())
        if (index >= 0) registered.splice(index, 1)
      },
    },
    isElevated: () => isElevated,
    writeErrorEvent() {},
    watchMutex: () => () => {},
    connectService: async () => undefined,
  }
}
