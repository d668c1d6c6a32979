import type { Agents } from '../agents/agents.ts'
import type { Store } from '../db/store.ts'
import type { TaskMemory } from '../db/task-memory-repository.ts'
import type { EventHub } from '../live/event-hub.ts'
import type { TaskLog } from '../live/task-log.ts'
import type { Package } from '../model/package.ts'
import type { SecretVault } from '../model/secret.ts'
import type { Space } from '../model/space.ts'
import type { JsonObject, ServerTask } from '../model/task.ts'
import type { TaskVerdict } from '../queue/claim-task.ts'

/** Where the files of the built-in feed are. */
export interface PackageFiles {
  /** Full path of the package's file. */
  pathOf(item: Package): string
}

/** What tasks are carried out with. */
export interface TaskTools {
  readonly store: Store
  readonly vault: SecretVault
  readonly hub: EventHub
  readonly agents: Agents
  readonly packages: PackageFiles
  /** Address of the portal, for the variables of scripts; '' when it is not known. */
  readonly serverUri: string
}

/** One task in work. */
export interface TaskContext extends TaskTools {
  readonly task: ServerTask
  /** Undefined for tasks of the whole server. */
  readonly space: Space | undefined
  readonly log: TaskLog
  readonly memory: TaskMemory
  /** Aborted when an operator cancels the task. */
  readonly cancel: AbortSignal
  /** Aborted when this process must let go of the task: throw whatever comes of it. */
  readonly letGo: AbortSignal
}

/** A kind of task. */
export interface TaskKind {
  readonly name: string
  /** For people. */
  readonly title: string
  /** Used when a task is made without a description. */
  readonly defaultDescription: string
  /** True when a finished task may be done once more with the same arguments. */
  readonly canRerun: boolean
  /** True when users may make such a task by themselves, not only through something that makes it. */
  readonly isPublic: boolean
  /**
   * Checks and completes the arguments of a new task, and names the machines that it is about if they are known.
   * Throws `ERR_INVALID_INPUT` with one problem for each thing that is wrong.
   */
  check(
    given: JsonObject,
    context: { readonly store: Store; readonly spaceId: string | null },
  ): Promise<{ readonly arguments: JsonObject; readonly machineIds?: readonly string[] }>
  /**
   * Carries the task out, or goes on with it after a restart of the server. Everything that must not happen twice is
   * remembered: see docs/wire/orchestration.md, durable execution.
   */
  run(context: TaskContext): Promise<TaskVerdict>
}
