import { dirname, join } from 'node:path'

/** The proxy that scripts are told to use. Empty values count as absent. */
export interface ScriptProxy {
  /** Whether the system's own proxy settings apply. Default true. */
  readonly useDefaultProxy?: boolean
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly host?: string | undefined
  /** Default 80. */
  readonly port?: number | undefined
}

/** What the environment of scripts is made of. */
export interface ScriptEnvironment {
  /** The agent's own environment, which scripts inherit. */
  readonly inherited: Readonly<Record<string, string | undefined>>
  /** Absent for an agent without an instance name. */
  readonly instanceName?: string | undefined
  /** Full path of the program that scripts call as `TentacleExecutablePath`. */
  readonly executablePath: string
  /** As semantic version: servers read it in health checks. */
  readonly version: string
  /** Default: Node's version. */
  readonly runtimeDescription?: string
  readonly proxy?: ScriptProxy
}

/** The environment of every script (docs/wire/tentacle-scripts.md, "Environment"). */
export function environmentOfScripts(
  home: string,
  applications: string | undefined,
  facts: ScriptEnvironment,
): Readonly<Record<string, string>> {
  const { proxy = {} } = facts
  const folder = dirname(facts.executablePath)
  const variables: Readonly<Record<string, string | undefined>> = {
    ...facts.inherited,
    TentacleHome: home,
    TentacleApplications: applications,
    TentacleJournal: join(home, 'DeploymentJournal.xml'),
    CalamariPackageRetentionJournalPath: join(home, 'PackageRetentionJournal.json'),
    TentacleInstanceName: facts.instanceName || undefined,
    TentacleExecutablePath: facts.executablePath,
    TentacleProgramDirectoryPath: folder,
    AgentProgramDirectoryPath: folder,
    TentacleVersion: facts.version,
    TentacleNetFrameworkDescription: facts.runtimeDescription ?? `Node.js ${process.version}`,
    TentacleCertificateSignatureAlgorithm: 'sha256RSA',
    TentacleUseDefaultProxy: (proxy.useDefaultProxy ?? true) ? 'True' : 'False',
    TentacleProxyUsername: proxy.username || undefined,
    TentacleProxyPassword: proxy.password || undefined,
    TentacleProxyHost: proxy.host || undefined,
    TentacleProxyPort: String(proxy.port ?? 80),
  }
  const set = Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return Object.fromEntries(set)
}
