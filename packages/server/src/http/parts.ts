import type { Certificate } from '@tentacle/halibut'
import type { SignIn } from '../access/sign-in.ts'
import type { Agents } from '../agents/agents.ts'
import type { Store } from '../db/store.ts'
import type { EventHub } from '../live/event-hub.ts'
import type { SecretVault } from '../model/secret.ts'
import type { ServerTask, TaskDraft } from '../model/task.ts'
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

/** What the routes ask of the task queue. */
export interface TaskMaker {
  /** Queues a task. In a transaction the task exists only if the transaction does. */
  create(draft: TaskDraft, within?: Store): Promise<ServerTask>
  /** Tasks of the space that are not finished. */
  countActive(spaceId: string): Promise<number>
  /** Says that tasks may start that could not before. */
  wake(): void
}

/** What the routes are built on. */
export interface HttpParts {
  readonly store: Store
  readonly vault: SecretVault
  readonly signIn: SignIn
  readonly packages: PackageStore
  readonly tasks: TaskMaker
  readonly agents: Pick<Agents, 'discover' | 'refreshTrust' | 'connectionLog'>
  readonly hub: EventHub
  readonly certificate: Pick<Certificate, 'certificatePem' | 'thumbprint'>
  readonly identity: ServerIdentity
  /** '' or `/octopus`. */
  readonly prefix: string
}
