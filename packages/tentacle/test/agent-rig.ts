import type { TestContext } from 'node:test'
import { CapabilitiesServiceV2, ScriptServiceV2 } from '@tentacle/contracts'
import {
  type Certificate,
  createCertificate,
  createHalibut,
  type Halibut,
  parseThumbprint,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { createRig, type Rig, type RunningCommand, type RunOptions } from './rig.ts'
import { startCommand, textsOf } from './script-agent.ts'

/** An agent that runs in the test's process, and what a server needs to reach it. */
export interface RunningAgent {
  readonly rig: Rig
  readonly command: RunningCommand
  readonly thumbprint: string
  /** Where it listens; 0 if it does not. */
  readonly port: number
}

export interface AgentSetup extends RunOptions {
  /** More arguments of `configure`. */
  readonly configure?: readonly string[]
  /** Arguments of `run`. Default `--noninteractive`. */
  readonly run?: readonly string[]
}

/** A certificate for a server, made once for all tests of a file: making one takes a second on a busy machine. */
export function serverCertificate(): Promise<Certificate> {
  made ??= createCertificate({ commonName: 'Test Server' })
  return made
}
let made: Promise<Certificate> | undefined

/** Sets up an instance `T` that listens on a free port of the loopback address, and runs it until the test ends. */
export async function startAgent(t: TestContext, setup: AgentSetup = {}): Promise<RunningAgent> {
  const rig = await createRig(t)
  await rig.run([
    'create-instance',
    '--instance',
    'T',
    '--config',
    rig.at('home/T.config'),
    '--home',
    rig.at('home'),
  ])
  await rig.run(['new-certificate', '--instance', 'T'])
  const { exitCode, stderr } = await rig.run([
    'configure',
    '--instance=T',
    '--port=0',
    '--listenIpAddress=127.0.0.1',
    ...(setup.configure ?? []),
  ])
  if (exitCode !== 0) throw new Error(stderr)
  const { stdout: thumbprint } = await rig.run(['show-thumbprint', '--instance', 'T'])
  const command = rig.start(['run', '--instance', 'T', ...(setup.run ?? ['--noninteractive'])], setup)
  t.after(async () => {
    command.signal('SIGTERM')
    await command.ended
  })
  await command.printed('LivenessHeartbeatTask.Start(): Starting')
  return {
    rig,
    command,
    thumbprint,
    port: Number(/Agent listening on: .*:(\d+)/.exec(command.stdout())?.[1] ?? 0),
  }
}

/** A server's side of the connection: calls agents, and listens for those that poll. */
export function openServer(t: TestContext, certificate: Certificate, trust: readonly string[] = []): Halibut {
  const halibut = createHalibut({ certificate, trust: trust.map(parseThumbprint) })
  t.after(() => halibut.close())
  return halibut
}

export function listeningEndpoint({ port, thumbprint }: RunningAgent): ServiceEndPoint {
  return {
    baseUri: `https://127.0.0.1:${port}/`,
    thumbprint: parseThumbprint(thumbprint),
    retryCountLimit: 1,
  }
}

/** What the agent can do, by its own words. */
export async function capabilitiesOf(
  halibut: Halibut,
  endpoint: ServiceEndPoint,
): Promise<readonly string[]> {
  return (await halibut.client(CapabilitiesServiceV2, endpoint).getCapabilities()).supportedCapabilities
}

/** Runs a script to its end and gives what it printed. */
export async function runScript(halibut: Halibut, endpoint: ServiceEndPoint, body: string) {
  const service = halibut.client(ScriptServiceV2, endpoint)
  const command = startCommand(body, { durationToWaitForScriptToFinish: 5000 })
  const { scriptTicket } = command
  let status = await service.startScript(command)
  const logs = [...status.logs]
  if (status.state !== 'Complete') {
    await until('the script is complete', async () => {
      status = await service.getStatus({ ticket: scriptTicket, lastLogSequence: status.nextLogSequence })
      logs.push(...status.logs)
      return status.state === 'Complete'
    })
  }
  await service.completeScript({ ticket: scriptTicket })
  return { exitCode: status.exitCode, printed: textsOf(logs) }
}
