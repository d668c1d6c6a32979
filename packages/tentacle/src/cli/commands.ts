import type { CommandEntry } from './command.ts'

/**
 * All commands. A new one is a line here and a file in `commands/`. Modules are loaded when they are used: `version` and
 * `help` are called by every monitoring script, and must not wait for certificates, HTTP and RPC.
 */
export const commands: readonly CommandEntry[] = [
  {
    name: 'agent',
    aliases: ['', 'run'],
    summary: 'Runs the agent: listens for servers, polls servers, executes scripts',
    load: async () => (await import('./commands/agent.ts')).agent,
  },
  {
    name: 'check',
    aliases: [],
    summary: 'Walks the way to the servers of this agent and says where it breaks',
    load: async () => (await import('./commands/check.ts')).check,
  },
  {
    name: 'checkservices',
    aliases: [],
    summary: 'Starts the services of agents that have stopped (Windows only)',
    load: async () => (await import('./commands/checkservices.ts')).checkservices,
  },
  {
    name: 'clear-trusted-servers',
    aliases: [],
    summary: 'Forgets trusted servers, except those at the given addresses',
    load: async () => (await import('./commands/clear-trusted-servers.ts')).clearTrustedServers,
  },
  {
    name: 'configure',
    aliases: [],
    summary: 'Changes folders, the port and which servers are trusted',
    load: async () => (await import('./commands/configure.ts')).configure,
  },
  {
    name: 'create-instance',
    aliases: [],
    summary: 'Registers an instance of the agent and makes its settings file',
    load: async () => (await import('./commands/create-instance.ts')).createInstance,
  },
  {
    name: 'delete-instance',
    aliases: [],
    summary: 'Forgets an instance; its files stay where they are',
    load: async () => (await import('./commands/delete-instance.ts')).deleteInstance,
  },
  {
    name: 'deregister-from',
    aliases: [],
    summary: 'Removes this agent from a server where it is a deployment target',
    load: async () => (await import('./commands/deregister-from.ts')).deregisterFrom,
  },
  {
    name: 'deregister-worker',
    aliases: [],
    summary: 'Removes this agent from a server where it is a worker',
    load: async () => (await import('./commands/deregister-worker.ts')).deregisterWorker,
  },
  {
    name: 'extract',
    aliases: [],
    summary: 'Unpacks a package into a folder',
    load: async () => (await import('./commands/extract.ts')).extract,
  },
  {
    name: 'help',
    aliases: ['h', '?'],
    summary: 'Shows all commands, or the options of one',
    load: async () => (await import('./commands/help.ts')).help,
  },
  {
    name: 'import-certificate',
    aliases: [],
    summary: 'Replaces the certificate of this agent by one from a file',
    load: async () => (await import('./commands/import-certificate.ts')).importCertificate,
  },
  {
    name: 'list-instances',
    aliases: [],
    summary: 'Lists the instances on this machine',
    load: async () => (await import('./commands/list-instances.ts')).listInstances,
  },
  {
    name: 'list-scripts',
    aliases: [],
    summary: 'Lists the scripts that run and wait on this machine, and for whom they wait',
    load: async () => (await import('./commands/list-scripts.ts')).listScripts,
  },
  {
    name: 'livez',
    aliases: [],
    summary: 'Tells whether the agent is alive, for health probes',
    load: async () => (await import('./commands/livez.ts')).livez,
  },
  {
    name: 'migrate-preinstalled-k8s-config',
    aliases: [],
    summary: 'Part of the agent for Kubernetes clusters, which this is not',
    load: async () => (await import('./commands/kubernetes.ts')).kubernetes,
  },
  {
    name: 'new-certificate',
    aliases: [],
    summary: 'Makes a new certificate and uses or exports it',
    load: async () => (await import('./commands/new-certificate.ts')).newCertificate,
  },
  {
    name: 'poll-server',
    aliases: [],
    summary: 'Lets a polling agent poll one more node of its server',
    load: async () => (await import('./commands/poll-server.ts')).pollServer,
  },
  {
    name: 'polling-proxy',
    aliases: [],
    summary: 'Sets the HTTP proxy for polling and for calls to the server',
    load: async () => (await import('./commands/polling-proxy.ts')).pollingProxy,
  },
  {
    name: 'proxy',
    aliases: [],
    summary: 'Sets the HTTP proxy that scripts are told about',
    load: async () => (await import('./commands/proxy.ts')).proxy,
  },
  {
    name: 'register-k8s-cluster',
    aliases: [],
    summary: 'Part of the agent for Kubernetes clusters, which this is not',
    load: async () => (await import('./commands/kubernetes.ts')).kubernetes,
  },
  {
    name: 'register-k8s-target',
    aliases: [],
    summary: 'Part of the agent for Kubernetes clusters, which this is not',
    load: async () => (await import('./commands/kubernetes.ts')).kubernetes,
  },
  {
    name: 'register-k8s-worker',
    aliases: [],
    summary: 'Part of the agent for Kubernetes clusters, which this is not',
    load: async () => (await import('./commands/kubernetes.ts')).kubernetes,
  },
  {
    name: 'register-with',
    aliases: [],
    summary: 'Registers this agent with a server as a deployment target',
    load: async () => (await import('./commands/register-with.ts')).registerWith,
  },
  {
    name: 'register-worker',
    aliases: [],
    summary: 'Registers this agent with a server as a worker',
    load: async () => (await import('./commands/register-worker.ts')).registerWorker,
  },
  {
    name: 'server-comms',
    aliases: [],
    summary: 'Sets how a trusted server and this agent meet, without asking the server',
    load: async () => (await import('./commands/server-comms.ts')).serverComms,
  },
  {
    name: 'service',
    aliases: [],
    summary: 'Installs, changes, starts and stops the service of an instance',
    load: async () => (await import('./commands/service.ts')).service,
  },
  {
    name: 'set-polling-connection-count',
    aliases: [],
    summary: 'Sets how many connections are held to each polled server',
    load: async () => (await import('./commands/set-polling-connection-count.ts')).setPollingConnectionCount,
  },
  {
    name: 'show-configuration',
    aliases: [],
    summary: 'Prints the settings as JSON, if asked with what the server knows',
    load: async () => (await import('./commands/show-configuration.ts')).showConfiguration,
  },
  {
    name: 'show-thumbprint',
    aliases: [],
    summary: "Prints the thumbprint of this agent's certificate",
    load: async () => (await import('./commands/show-thumbprint.ts')).showThumbprint,
  },
  {
    name: 'update-trust',
    aliases: [],
    summary: 'Trusts another certificate wherever an old one is trusted',
    load: async () => (await import('./commands/update-trust.ts')).updateTrust,
  },
  {
    name: 'version',
    aliases: [],
    summary: 'Prints the version',
    load: async () => (await import('./commands/version.ts')).version,
  },
  {
    name: 'watchdog',
    aliases: [],
    summary: 'Lets Windows look regularly whether agents run (Windows only)',
    load: async () => (await import('./commands/watchdog.ts')).watchdog,
  },
]

/** The command of that name or alias; case and leading `-` or `/` do not matter. */
export function findCommand(typed: string): CommandEntry | undefined {
  const name = commandName(typed)
  return name === '' ? undefined : commands.find(entry => entry.name === name || entry.aliases.includes(name))
}

/** A command as it is compared: `--Version` and `/VERSION` are `version`. */
export function commandName(typed: string): string {
  return typed.toLowerCase().replace(/^[-/]+/, '')
}
