import { toError } from '../errors.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'

/** The values that scripts see, evaluated, by name. */
export type ScriptValues = ReadonlyMap<string, string>

/**
 * Evaluates every variable once, for a script to read. A variable that cannot be evaluated is passed as it is written
 * and warned about: a script that never reads it should run.
 */
export function scriptValues(variables: ExecutionVariables, log: DeploymentLog): ScriptValues {
  const values = new Map<string, string>()
  for (const name of variables.names()) {
    try {
      values.set(name, variables.get(name) ?? '')
    } catch (error) {
      log.warn(`The variable ${name} is passed to scripts as it is written: ${toError(error).message}`)
      values.set(name, variables.getRaw(name) ?? '')
    }
  }
  return values
}
