import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ApiClient } from './api-client.ts'
import type { HomeFolder } from './home-folder.ts'
import { freePort, tentacle, tentacleProgram } from './programs.ts'
import { type SupervisedProcess, stopLeftOver, supervise } from './supervised-process.ts'
import type { Terminal } from './terminal.ts'

/** One of the two agents of the walk: a folder, an instance, and how the server and it find each other. */
export interface SampleAgent {
  readonly name: string
  readonly style: 'listening' | 'polling'
  /** Where the agent puts the packages that are deployed to it. */
  readonly applications: string
}

export interface AgentsOptions {
  readonly home: HomeFolder
  readonly api: ApiClient
  readonly apiKey: string
  readonly commsPort: number
  readonly agentPort: number
  readonly environment: string
  readonly role: string
  readonly terminal: Terminal
  readonly signal: AbortSignal
  /** Called as soon as an agent's process exists, so that it is stopped whatever happens next. */
  onStarted(process: SupervisedProcess): void
}

export const agentsOf = (home: HomeFolder): readonly SampleAgent[] =>
  (['listening', 'polling'] as const).map(style => ({
    name: `${style}-agent`,
    style,
    applications: join(home.agents, `${style}-agent`, 'Applications'),
  }))

/** The agents of a quickstart are registered in an index of their own, not in that of the machine. */
function environmentOf(home: HomeFolder): NodeJS.ProcessEnv {
  return { ...process.env, TentacleMachineConfigurationHomeDirectory: join(home.agents, 'index') }
}

async function registered(api: ApiClient, agent: SampleAgent): Promise<boolean> {
  const machines = await api.items(`/api/Spaces-1/machines?name=${encodeURIComponent(agent.name)}`)
  return machines.length > 0
}

/** Makes the instance where it does not exist yet, and registers it with the server through the agent's own command. */
async function setUp(agent: SampleAgent, options: AgentsOptions): Promise<void> {
  const env = environmentOf(options.home)
  const folder = join(options.home.agents, agent.name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const instance = ['--instance', agent.name]
  await tentacle(
    ['create-instance', ...instance, '--config', join(folder, 'Tentacle.config'), '--home', folder],
    env,
  )
  await tentacle(['new-certificate', ...instance, '--if-blank'], env)

  const isListening = agent.style === 'listening'
  const port = isListening ? await freePort(options.agentPort) : undefined
  const listening =
    port === undefined ? ['--noListen', 'True'] : ['--port', String(port), '--noListen', 'False']
  await tentacle(
    ['configure', ...instance, '--app', agent.applications, ...listening, '--listenIpAddress', '127.0.0.1'],
    env,
  )

  const known = await registered(options.api, agent)
  const comms = isListening
    ? ['--comms-style', 'TentaclePassive', '--publicHostName', '127.0.0.1']
    : ['--comms-style', 'TentacleActive', '--server-comms-address', `https://127.0.0.1:${options.commsPort}`]
  await tentacle(
    [
      'register-with',
      ...instance,
      '--server',
      options.api.base,
      '--apiKey',
      options.apiKey,
      '--name',
      agent.name,
      '--environment',
      options.environment,
      '--role',
      options.role,
      ...comms,
      ...(known ? ['--force'] : []),
    ],
    env,
  )
  const where =
    port === undefined ? `polls port ${options.commsPort} of the server` : `listens on port ${port}`
  options.terminal.line(`${agent.name} ${known ? 'is registered as before' : 'is registered'}: ${where}`)
}

/** Sets both agents up, one after the other, and starts them as processes of their own. */
export async function startAgents(options: AgentsOptions): Promise<void> {
  for (const agent of agentsOf(options.home)) {
    const pidFile = join(options.home.agents, `${agent.name}.pid`)
    if (await stopLeftOver(pidFile))
      options.terminal.line(`${agent.name} of an earlier start was still running; stopped it`)
    await setUp(agent, options)
    options.signal.throwIfAborted()
    const running = supervise({
      name: agent.name,
      command: [tentacleProgram, 'run', '--instance', agent.name, '--noninteractive'],
      env: environmentOf(options.home),
      logFile: join(options.home.logs, `${agent.name}.log`),
      pidFile,
      isReady: line =>
        line.includes('Agent listening on:') || line.includes('Agent will not listen on any TCP ports'),
      onRestart: reason => options.terminal.warn(reason),
    })
    options.onStarted(running)
    await running.ready()
  }
}
