import type { TentacleCall } from '../agents/rpc-retries.ts'
import type { Tentacle } from '../agents/tentacle.ts'
import type { ScriptCommand } from '../scripts/script-calls.ts'
import type { RuntimeVariable } from '../variables/variable-list.ts'
import { ownDeployer } from './own-deployer.ts'
import { plainDeployer } from './plain-deployer.ts'

/** The body of a script: everything of a {@link ScriptCommand} that depends on how it is run on the machine. */
export type ScriptBody = Pick<ScriptCommand, 'bash' | 'powerShell' | 'files'>

/** A package to look for in the cache of a machine. */
export interface WantedPackage {
  readonly packageId: string
  readonly version: string
  /** SHA-1 in lower-case hex. */
  readonly hash: string
}

/** The way in which the actions of a process are carried out on a machine. */
export interface Deployer {
  /**
   * Runs the script that the variables name (`Octopus.Action.Script.ScriptBody` and its neighbours), which may be in
   * the package file at this path of the machine. Throws `ERR_INVALID_INPUT` when that cannot be done there.
   */
  runScript(variables: readonly RuntimeVariable[], packagePath?: string): Promise<ScriptBody>
  /**
   * Deploys the package file at this path of the machine. Undefined: packages cannot be deployed on the machine, and
   * `packageRefusal` says why.
   */
  readonly deployPackage:
    | ((packagePath: string, variables: readonly RuntimeVariable[]) => Promise<ScriptBody>)
    | undefined
  /** Looks for a package in the machine's cache. Undefined: there is no way to, so packages are always sent. */
  readonly findPackage: ((wanted: WantedPackage) => ScriptBody) | undefined
  readonly packageRefusal: string
}

/**
 * Chooses how actions are carried out on a machine. Our own Tentacle brings the deployer along; any other runs plain
 * scripts. A deployer that is sent to the machine as a tools package would be chosen here, too.
 */
export async function deployerForMachine(tentacle: Tentacle, call: TentacleCall): Promise<Deployer> {
  const { hasDeployer } = await tentacle.capabilities(call)
  return hasDeployer ? ownDeployer : plainDeployer
}
