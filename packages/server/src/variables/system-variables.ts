import type { DeploymentAction } from '../model/deployment-process.ts'
import type { Environment } from '../model/environment.ts'
import type { AnyMachine } from '../model/machine.ts'
import { isSealed, type SecretVault } from '../model/secret.ts'
import type { Space } from '../model/space.ts'
import type { ServerTask } from '../model/task.ts'
import { plainVariables, type RuntimeVariable } from './variable-list.ts'

/** What every script of a task knows. */
export function taskVariables(task: ServerTask, space: Space | undefined): readonly RuntimeVariable[] {
  return plainVariables({
    'Octopus.Task.Id': task.id,
    'Octopus.Task.Name': task.description,
    'Octopus.Task.QueueTime': task.queueTime,
    'Octopus.Task.QueueTimeExpiry': task.queueTimeExpiry,
    'Octopus.Space.Id': space?.id,
    'Octopus.Space.Name': space?.name,
  })
}

/** What scripts on a machine know of it. */
export function machineVariables(machine: AnyMachine): readonly RuntimeVariable[] {
  const isListening = machine.endpoint.style === 'TentaclePassive'
  return plainVariables({
    'Octopus.Machine.Id': machine.id,
    'Octopus.Machine.Name': machine.name,
    'Octopus.Machine.Roles': machine.kind === 'machine' ? machine.roles.join(',') : undefined,
    'Octopus.Machine.Hostname': isListening ? new URL(machine.endpoint.uri).hostname : undefined,
    'Octopus.Machine.DeploymentTargetType': machine.endpoint.style,
    'Octopus.Tentacle.Agent.ApplicationDirectoryPath': '#{env:TentacleApplications}',
    'Octopus.Tentacle.Agent.ProgramDirectoryPath': '#{env:TentacleProgramDirectoryPath}',
    'Octopus.Agent.ProgramDirectoryPath': '#{env:TentacleProgramDirectoryPath}',
  })
}

/** What scripts know of the environment that they run in. */
export function environmentVariables(environment: Environment): readonly RuntimeVariable[] {
  return plainVariables({
    'Octopus.Environment.Id': environment.id,
    'Octopus.Environment.Name': environment.name,
    'Octopus.Environment.Slug': environment.slug,
    'Octopus.Environment.SortOrder': String(environment.sortOrder),
  })
}

/** What the scripts of an action know of it: its settings under their own names, and its place in the process. */
export function actionVariables(
  action: Pick<DeploymentAction, 'id' | 'name' | 'properties'>,
  step: { readonly id: string; readonly name: string; readonly number: string },
  actionNumber: string,
  vault: SecretVault,
): readonly RuntimeVariable[] {
  const settings = Object.entries(action.properties).map(([name, value]) => ({
    name,
    value: isSealed(value) ? vault.open(value) : value,
    isSensitive: isSealed(value),
  }))
  return [
    ...settings,
    ...plainVariables({
      'Octopus.Step.Id': step.id,
      'Octopus.Step.Name': step.name,
      'Octopus.Step.Number': step.number,
      'Octopus.Action.Id': action.id,
      'Octopus.Action.Name': action.name,
      'Octopus.Action.Number': actionNumber,
    }),
  ]
}
