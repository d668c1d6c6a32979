import type { Certificate } from '@tentacle/halibut'
import type { SignIn } from '../access/sign-in.ts'
import type { Agents } from '../agents/agents.ts'
import type { Store } from '../db/store.ts'
import type { EventHub } from '../live/event-hub.ts'
import type { SecretVault } from '../model/secret.ts'
import type { TaskService } from '../orchestration/task-service.ts'
import type { PackageStore } from '../packages/package-store.ts'

/** Who this server is, as clients are told. */
export interface ServerIdentity {
  readonly installationId: string
  /** Name of the product that clients expect to talk to. */
  readonly application: string
  /** Version of the REST API's behaviour that clients may rely on. */
  readonly version: string
  /** Our own version. */
  readonly productVersion: string
}

/** What the routes are built on. */
export interface HttpParts {
  readonly store: Store
  readonly vault: SecretVault
  readonly signIn: SignIn
  readonly packages: PackageStore
  readonly tasks: TaskService
  readonly agents: Pick<Agents, 'discover' | 'refreshTrust' | 'connectionLog'>
  readonly hub: EventHub
  readonly certificate: Pick<Certificate, 'certificatePem' | 'thumbprint'>
  readonly identity: ServerIdentity
  /** '' or `/octopus`. */
  readonly prefix: string
}
