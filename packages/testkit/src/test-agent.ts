import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  agentCapabilities,
  CapabilitiesServiceV2,
  capabilitiesOfOldAgents,
  FileTransferService,
  ResumableFileTransferService,
  ScriptService,
  ScriptServiceV2,
} from '@tentacle/contracts'
import {
  type Certificate,
  createCertificate,
  createHalibut,
  type Halibut,
  type HostedService,
  host,
  type Thumbprint,
} from '@tentacle/halibut'
import { createTestFiles } from './test-agent-files.ts'
import { createTestScripts, type TestScripts } from './test-agent-scripts.ts'

/** How a test agent is made. */
export interface TestAgentOptions {
  /** The server that it obeys. */
  readonly trust: Thumbprint
  /** Dials the server and fetches its work; default: listens on a free port of the loopback. */
  readonly polls?: { readonly server: string; readonly subscription: string }
  /** What it says it can do; default: what a .NET agent says. `'none'`: it has no capabilities service at all. */
  readonly capabilities?: readonly string[] | 'none'
  /** Value of `TentacleExecutablePath` for its scripts. */
  readonly executable?: string
  /** More environment variables for its scripts. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A small agent in the process of the test: real sockets, real scripts, real files. It stands for any agent that speaks
 * the contracts; what it does not do is keep scripts apart (mutexes) and survive the end of its process.
 */
export interface TestAgent {
  readonly certificate: Certificate
  readonly thumbprint: Thumbprint
  /** Where it listens; 0 for a polling one. */
  readonly port: number
  readonly home: string
  readonly scripts: TestScripts
  /** Paths below home that were uploaded, in order, repetitions included. */
  readonly uploads: readonly string[]
  /** Cuts all connections and does not answer until `goOnline`; its scripts go on. */
  goOffline(): Promise<void>
  /** With `forgets` it has forgotten every script that is not complete, as a .NET agent has after a restart. */
  goOnline(options?: { readonly forgets?: boolean }): Promise<void>
  stop(): Promise<void>
}

/** Starts a test agent. Stop it after the test. */
export async function startTestAgent(options: TestAgentOptions): Promise<TestAgent> {
  const home = await mkdtemp(join(tmpdir(), 'test-agent-'))
  const certificate = await createCertificate({ commonName: 'Octopus Tentacle' })
  const scripts = createTestScripts(home, {
    TentacleHome: home,
    TentacleApplications: join(home, 'Applications'),
    TentacleJournal: join(home, 'DeploymentJournal.xml'),
    TentacleVersion: '9.2.123',
    ...(options.executable === undefined ? {} : { TentacleExecutablePath: options.executable }),
    ...options.env,
  })
  const files = createTestFiles(home)
  const { capabilities = agentCapabilities } = options
  const supportedCapabilities = [...(capabilities === 'none' ? capabilitiesOfOldAgents : capabilities)]
  const services: HostedService[] = [
    host(ScriptService, scripts.v1),
    host(FileTransferService, files.service),
    ...(supportedCapabilities.includes(ScriptServiceV2.wireName) ? [host(ScriptServiceV2, scripts.v2)] : []),
    ...(supportedCapabilities.includes(ResumableFileTransferService.wireName)
      ? [host(ResumableFileTransferService, files.resumable, { liveStreams: ['uploadPart'] })]
      : []),
    ...(capabilities === 'none'
      ? []
      : [host(CapabilitiesServiceV2, { getCapabilities: () => ({ supportedCapabilities }) })]),
  ]
  let halibut: Halibut | undefined
  let port = 0

  async function goOnline({ forgets = false }: { readonly forgets?: boolean } = {}): Promise<void> {
    if (forgets) scripts.forgetRunning()
    halibut = createHalibut({
      certificate,
      services,
      trust: [options.trust],
      limits: { pollingReconnectMinimumMs: 100 },
    })
    if (options.polls === undefined) {
      port = (await halibut.listen({ port, host: '127.0.0.1' })).port
      return
    }
    const { server, subscription } = options.polls
    halibut.poll({ subscription, server: { baseUri: server, thumbprint: options.trust } })
  }

  async function goOffline(): Promise<void> {
    await halibut?.close()
    halibut = undefined
  }

  await goOnline()
  return {
    certificate,
    thumbprint: certificate.thumbprint,
    get port() {
      return port
    },
    home,
    scripts,
    uploads: files.uploads,
    goOffline,
    goOnline,
    async stop() {
      await goOffline()
      await scripts.killAll()
      await rm(home, { recursive: true, force: true })
    },
  }
}
