import { entriesOfStep } from '../journal/previous-installation.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, setOutput } from './deployment.ts'

/**
 * Whether the step asks to skip what is installed already, and the newest installation of this version by this step
 * succeeded. Then the variables about the folder are set as if it had just been deployed.
 */
export async function isAlreadyInstalled(work: Deployment): Promise<boolean> {
  const { variables, log, journal, package: file } = work
  if (!variables.flag(variableNames.skipIfAlreadyInstalled) || journal === undefined || file === undefined)
    return false
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
  const installed = (await entriesOfStep(variables, journal)).filter(entry =>
    entry.packages.some(({ id, version }) => same(id, file.id) && same(version, file.version)),
  )
  const last = installed.at(-1)
  if (last === undefined) return false
  if (!last.wasSuccessful) {
    log.info(`The last installation of ${file.id} ${file.version} failed, so it is installed again.`)
    return false
  }
  log.info(`${file.id} ${file.version} is installed already in ${last.extractedTo}; nothing is done.`)
  setOutput(work, variableNames.installationFolderOutput, last.extractedTo)
  setOutput(work, variableNames.installationFolder, last.extractedTo)
  return true
}
