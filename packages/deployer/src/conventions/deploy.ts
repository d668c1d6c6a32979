import { DeployerError, throwIfCancelled, toError } from '../errors.ts'
import { extractToApplicationFolder } from '../extraction/extract-package.ts'
import { variableNames } from '../variables/variable-names.ts'
import { isAlreadyInstalled } from './already-installed.ts'
import { copyToCustomFolder } from './custom-folder.ts'
import { type Deployment, setOutput } from './deployment.ts'
import { runInlineScripts } from './inline-scripts.ts'
import { removePackagedScripts, runPackagedScript } from './packaged-scripts.ts'
import { recordInstallation } from './record-installation.ts'
import { setStructuredVariables } from './structured-variables.ts'
import { substituteInFiles } from './substitute-in-files.ts'
import { refuseUnsupportedFeatures } from './unsupported-features.ts'

type Convention = (work: Deployment) => Promise<void>

/** What happens after a package was unpacked, in this order (docs/wire/deployment.md, section 10). */
const conventions: readonly Convention[] = [
  work => runInlineScripts('PreDeploy', work),
  work => runPackagedScript('PreDeploy', work),
  substituteInFiles,
  refuseUnsupportedFeatures,
  setStructuredVariables,
  copyToCustomFolder,
  work => runPackagedScript('Deploy', work),
  work => runInlineScripts('Deploy', work),
  work => runPackagedScript('PostDeploy', work),
  work => runInlineScripts('PostDeploy', work),
  work => removePackagedScripts('DeployFailed', work),
]

/**
 * Deploys a package: unpacks it and runs the conventions on it. When one fails, the package's DeployFailed script runs
 * and the first error is thrown; success and failure are written to the journal. Throws what the conventions throw.
 */
export async function deploy(work: Deployment): Promise<void> {
  if (await isAlreadyInstalled(work)) return
  const extractedTo = await unpack(work)
  try {
    await runConventions(work)
  } catch (error) {
    await afterFailure(work, toError(error))
    await recordInstallation(work, extractedTo, false)
    throw error
  }
  await recordInstallation(work, extractedTo, true)
}

async function unpack(work: Deployment): Promise<string> {
  const { package: file, variables, log, io } = work
  if (file === undefined)
    throw new DeployerError('ERR_USAGE', 'There is no package to deploy: give --package.')
  const { folder, files } = await extractToApplicationFolder(file, { variables, log, signal: io.signal })
  log.info(`Unpacked ${file.id} ${file.version} to ${folder}.`)
  work.folder = folder
  variables.set(variableNames.originalPackageFolder, folder)
  setOutput(work, variableNames.installationFolderOutput, folder)
  setOutput(work, variableNames.installationFolder, folder)
  setOutput(work, 'Package.ExtractedFileCount', String(files))
  return folder
}

async function runConventions(work: Deployment): Promise<void> {
  for (const convention of conventions) {
    throwIfCancelled(work.io.signal)
    await convention(work)
    if (!work.variables.flag(variableNames.skipRemainingConventions)) continue
    work.log.info('A script asked to skip what is left of this deployment.')
    return
  }
}

async function afterFailure(work: Deployment, error: Error): Promise<void> {
  const { log, variables, io } = work
  if (io.signal?.aborted === true) return
  variables.set(variableNames.lastError, error.message)
  variables.set(variableNames.lastErrorMessage, error.message)
  log.failure(error)
  try {
    await runPackagedScript('DeployFailed', work)
  } catch (second) {
    if (toError(second).message !== error.message) log.failure(toError(second))
  }
}
