/** The agent as a service of the system: what has to be known to install one. */
export interface ServiceDefinition {
  /** The instance's name; `undefined` for one that is chosen by its settings file. */
  readonly instance: string | undefined
  /** Absolute path of the settings file. */
  readonly configPath: string
  /** The program that the service runs. */
  readonly executable: string
  /** The account that it runs as; `undefined`: whoever it is now, or the one with all rights for a new service. */
  readonly account: string | undefined
  /** Only Windows has passwords for services. */
  readonly password: string | undefined
  /** Another service of the system that comes first. */
  readonly dependsOn: string | undefined
  /** Variables that the agent needs to find its instance again. */
  readonly environment: Readonly<Record<string, string>>
}

/** What people read about every service of ours. */
export const serviceDescription = 'Octopus Deploy: Tentacle deployment agent'

/** The arguments with which a service manager starts the agent; it never reads standard input then. */
export function agentArguments({ instance, configPath }: Pick<ServiceDefinition, 'instance' | 'configPath'>) {
  return ['run', instance === undefined ? `--config=${configPath}` : `--instance=${instance}`]
}

/** What can be done with the service of an instance. Each rejects when it was not done. */
export interface ServiceManager {
  /** What this system calls the service of an instance. */
  nameOf(instance: string | undefined): string
  install(service: ServiceDefinition): Promise<void>
  /** Installs again. Account and dependency stay what they are unless the definition has others. */
  reconfigure(service: ServiceDefinition): Promise<void>
  /** A service that is not there counts as uninstalled. */
  uninstall(instance: string | undefined): Promise<void>
  start(instance: string | undefined): Promise<void>
  /** @param mayBeMissing - whether a service that is not there counts as stopped */
  stop(instance: string | undefined, mayBeMissing?: boolean): Promise<void>
  restart(instance: string | undefined): Promise<void>
}
