/** The keys of the settings file, spelled as in the file (docs/wire/tentacle-settings.md 4). */
export const settingsKeys = {
  home: 'Octopus.Home',
  squid: 'Octopus.Communications.Squid',
  port: 'Tentacle.Services.PortNumber',
  listenIp: 'Tentacle.Services.ListenIP',
  noListen: 'Tentacle.Services.NoListen',
  trustedServers: 'Tentacle.Communication.TrustedOctopusServers',
  pollingConnectionCount: 'Tentacle.Communication.PollingConnectionCount',
  applicationDirectory: 'Tentacle.Deployment.ApplicationDirectory',
  certificate: 'Tentacle.Certificate',
  certificateThumbprint: 'Tentacle.CertificateThumbprint',
  /** Of this agent alone; the original keeps what it does not know. */
  metricsPort: 'Tentacle.Metrics.Port',
  metricsFile: 'Tentacle.Metrics.File',
  structuredLog: 'Tentacle.Log.Structured',
  powerShellPath: 'Tentacle.Scripts.PowerShellPath',
} as const

/** The five keys of one proxy: `Octopus.Proxy` for scripts, `Octopus.Server.Proxy` for polling and calls to the server. */
export interface ProxyKeys {
  readonly useDefault: string
  readonly host: string
  readonly port: string
  readonly username: string
  readonly password: string
}

export const agentProxyKeys: ProxyKeys = proxyKeys('Octopus.Proxy')
export const pollingProxyKeys: ProxyKeys = proxyKeys('Octopus.Server.Proxy')

function proxyKeys(prefix: string): ProxyKeys {
  return {
    useDefault: `${prefix}.UseDefaultProxy`,
    host: `${prefix}.ProxyHost`,
    port: `${prefix}.ProxyPort`,
    username: `${prefix}.ProxyUsername`,
    password: `${prefix}.ProxyPassword`,
  }
}

/** The port on which an agent listens when nothing else is set. */
export const defaultListenPort = 10933

/** The port on which a server takes calls from polling agents when nothing else is said. */
export const defaultCommsPort = 10943
