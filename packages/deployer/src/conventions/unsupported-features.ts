import { relative } from 'node:path'
import { DeployerError } from '../errors.ts'
import { findPaths } from '../files/find-files.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, features } from './deployment.ts'

const xmlFeatures: readonly string[] = [features.transforms, features.dotnetVariables]

/**
 * Stops a deployment whose result would be wrong without anybody noticing: XML configuration files that the step wants
 * changed, which is not supported. Other features that are not known are warned about. Throws ERR_UNSUPPORTED_FEATURE.
 */
export async function refuseUnsupportedFeatures({ folder, variables, log }: Deployment): Promise<void> {
  const enabled = variables.list(variableNames.enabledFeatures)
  const known: readonly string[] = Object.values(features)
  for (const feature of enabled) {
    if (!known.includes(feature)) log.warn(`The feature ${feature} is not supported and was left out.`)
  }
  const wanted = enabled.filter(feature => xmlFeatures.includes(feature))
  const [feature] = wanted
  if (feature === undefined || !asksForChanges(wanted, variables)) return
  const [file] = await findPaths(folder, '**/*.config')
  if (file === undefined) return
  throw new DeployerError(
    'ERR_UNSUPPORTED_FEATURE',
    `The feature ${feature} should change ${relative(folder, file)}, but changing XML configuration files is not ` +
      'supported yet. Switch the feature off for this step, or use #{variables} in the file.',
  )
}

function asksForChanges(wanted: readonly string[], variables: Deployment['variables']): boolean {
  const transforms =
    variables.flag('Octopus.Action.Package.AutomaticallyRunConfigurationTransformationFiles') ||
    variables.text('Octopus.Action.Package.AdditionalXmlConfigurationTransforms') !== undefined
  const settings = variables.flag('Octopus.Action.Package.AutomaticallyUpdateAppSettingsAndConnectionStrings')
  return (
    (wanted.includes(features.transforms) && transforms) ||
    (wanted.includes(features.dotnetVariables) && settings)
  )
}
