import type { TentacleCall } from '../agents/rpc-retries.ts'
import type { Tentacle } from '../agents/tentacle.ts'
import type { LogNode } from '../live/task-log.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { Package } from '../model/package.ts'
import { runScript } from '../scripts/run-script.ts'
import type { ScriptCommand } from '../scripts/script-calls.ts'
import type { ScriptOutcome } from '../scripts/script-facts.ts'
import type { TaskContext } from '../work/task-kind.ts'
import type { DeploymentInputs } from './deployment-inputs.ts'
import type { DeploymentPlan } from './deployment-plan.ts'
import type { VariablesAt } from './deployment-variables.ts'

/** A deployment in work: what all of its parts share. */
export interface DeploymentRun {
  readonly context: TaskContext
  readonly inputs: DeploymentInputs
  readonly plan: DeploymentPlan
  readonly machines: ReadonlyMap<string, AnyMachine>
  /** Packages by the id of the action that deploys them. */
  readonly packages: ReadonlyMap<string, Package>
  readonly variablesAt: VariablesAt
  /** Ids of machines on which a step succeeded; filled on the way. */
  readonly deployedTo: Set<string>
}

/** How calls on behalf of a node are made. */
export function callFor({ cancel, letGo }: TaskContext, node: LogNode): TentacleCall {
  return {
    signal: AbortSignal.any([cancel, letGo]),
    report: (category, text, detail) => node.write(category, text, detail),
  }
}

/** Runs one script of a deployment; see `runScript`. */
export function runDeploymentScript(
  { task, log, store, vault, cancel, letGo }: TaskContext,
  script: {
    readonly key: string
    readonly tentacle: Tentacle
    readonly node: LogNode
    /** Name of the action whose output variables it sets; null: it sets none. */
    readonly action: string | null
    readonly command: () => Promise<ScriptCommand>
  },
): Promise<ScriptOutcome> {
  const { machine } = script.tentacle
  return runScript(
    { db: store.db, vault, now: store.now },
    {
      taskId: task.id,
      key: script.key,
      tentacle: script.tentacle,
      log,
      node: script.node,
      outputs:
        script.action === null
          ? null
          : { action: script.action, machineId: machine.id, machineName: machine.name },
      command: script.command,
      cancel,
      letGo,
    },
  )
}

/** Where an acquired package is remembered. */
export function packageKey(machine: AnyMachine, item: Package): string {
  return `package:${machine.id}/${item.id}`
}
