import type { OutputVariable } from '../db/task-memory-repository.ts'
import type { RuntimeVariable } from './variable-list.ts'

/**
 * The variables that later scripts see of what earlier ones have set. A script on a machine finds that machine's value
 * under the plain name; others find the value that was set last.
 */
export function outputVariables(
  outputs: readonly OutputVariable[],
  machineId: string | undefined,
): readonly RuntimeVariable[] {
  const named = (output: OutputVariable, name: string): RuntimeVariable => ({
    name,
    value: output.value,
    isSensitive: output.isSensitive,
  })
  const anywhere = outputs.map(output =>
    named(output, `Octopus.Action[${output.action}].Output.${output.name}`),
  )
  const byMachine = outputs
    .filter(output => output.machineName !== '')
    .map(output =>
      named(output, `Octopus.Action[${output.action}].Output[${output.machineName}].${output.name}`),
    )
  const own = outputs
    .filter(output => output.machineId === machineId)
    .map(output => named(output, `Octopus.Action[${output.action}].Output.${output.name}`))
  return [...anywhere, ...byMachine, ...own]
}
