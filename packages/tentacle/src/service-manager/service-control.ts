/** Where a service of Windows is on its way. */
export type ServiceState =
  | 'STOPPED'
  | 'START_PENDING'
  | 'STOP_PENDING'
  | 'RUNNING'
  | 'CONTINUE_PENDING'
  | 'PAUSE_PENDING'
  | 'PAUSED'

/** What Windows has to know of a service. */
export interface WindowsServiceSettings {
  readonly displayName: string
  readonly description: string
  /** The command line. */
  readonly command: string
  /** The services that come first. */
  readonly dependencies: readonly string[]
  /** Undefined: the system itself for a new service, whoever it is now for one that exists. */
  readonly account: string | undefined
  /** Undefined for accounts whose password Windows knows itself. */
  readonly password: string | undefined
  /** After these pauses, in ms, a service that has failed is started again. */
  readonly restartPausesMs: readonly number[]
  /** What it has in its environment beside what all services have. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * The part of Windows that runs services. Each function throws TentacleError `ERR_PLATFORM` when it was refused;
 * `details.windowsError` has the number of the reason.
 */
export interface ServiceControl {
  /** @returns false, and nothing is changed, when there is a service of that name already. */
  create(name: string, settings: WindowsServiceSettings): boolean
  configure(name: string, settings: WindowsServiceSettings): void
  /** Undefined when there is no such service. */
  state(name: string): ServiceState | undefined
  /** Asks it to start, and returns when its process runs. One that runs already is as good. */
  start(name: string): Promise<void>
  /** Asks it to stop. One that has stopped already is as good. */
  stop(name: string): void
  remove(name: string): void
  /** Gives an account the right "Log on as a service". */
  allowServiceLogon(account: string): void
  /** Lets event viewers show our events as they are. */
  registerEventSource(): void
}
