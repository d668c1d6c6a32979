import { join } from 'node:path'
import type { ProxySettings, TentacleSettings } from '../settings/tentacle-settings.ts'

/** What scripts learn about the agent that runs them. */
export interface ScriptEnvironmentFacts {
  readonly settings: TentacleSettings
  readonly instance: string | undefined
  readonly program: { readonly executable: string; readonly folder: string }
  /** Semantic version that servers compare. */
  readonly version: string
  readonly proxy: ProxySettings
}

/**
 * The variables that every script finds (docs/wire/tentacle-settings.md 9). Values that are not set are left out, as in
 * the original.
 */
export function scriptEnvironment(facts: ScriptEnvironmentFacts): Record<string, string> {
  const { settings, instance, program, version, proxy } = facts
  const { home } = settings
  return {
    TentacleHome: home,
    TentacleApplications: settings.applicationDirectory,
    TentacleJournal: join(home, 'DeploymentJournal.xml'),
    CalamariPackageRetentionJournalPath: join(home, 'PackageRetentionJournal.json'),
    TentacleExecutablePath: program.executable,
    TentacleProgramDirectoryPath: program.folder,
    AgentProgramDirectoryPath: program.folder,
    TentacleVersion: version,
    TentacleNetFrameworkDescription: `Node.js ${process.versions.node}`,
    TentacleCertificateSignatureAlgorithm: 'sha256RSA',
    TentacleUseDefaultProxy: proxy.useDefault ? 'True' : 'False',
    TentacleProxyPort: String(proxy.port),
    ...(instance === undefined ? {} : { TentacleInstanceName: instance }),
    ...(proxy.host === undefined ? {} : { TentacleProxyHost: proxy.host }),
    ...(proxy.username === undefined ? {} : { TentacleProxyUsername: proxy.username }),
    ...(proxy.password === undefined ? {} : { TentacleProxyPassword: proxy.password }),
  }
}
