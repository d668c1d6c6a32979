import type { PackageFile } from '../extraction/extract-package.ts'
import type { DeployerIo } from '../io.ts'
import type { DeploymentJournal } from '../journal/deployment-journal.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import type { ScriptRunner } from '../scripting/script-runner.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'

/** What the conventions of one command work on. */
export interface Deployment {
  readonly io: DeployerIo
  readonly log: DeploymentLog
  readonly variables: ExecutionVariables
  readonly scripts: ScriptRunner
  /** Missing where the agent names no journal. */
  readonly journal: DeploymentJournal | undefined
  readonly package: PackageFile | undefined
  /** Where the conventions work: the folder of the package, later the custom folder, or the folder of a script. */
  folder: string
}

/** Sets an output variable: for the steps after this one, and for what still happens in this one. */
export function setOutput(
  { log, variables }: Pick<Deployment, 'log' | 'variables'>,
  name: string,
  value: string,
): void {
  variables.set(name, value)
  log.message('setVariable', { name, value })
}

/** Features of a step that conventions look at; names are compared exactly. */
export const features = {
  customScripts: 'Octopus.Features.CustomScripts',
  substituteInFiles: 'Octopus.Features.SubstituteInFiles',
  structuredVariables: 'Octopus.Features.JsonConfigurationVariables',
  customFolder: 'Octopus.Features.CustomDirectory',
  transforms: 'Octopus.Features.ConfigurationTransforms',
  dotnetVariables: 'Octopus.Features.ConfigurationVariables',
} as const
