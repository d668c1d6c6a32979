import { toError } from '../errors.ts'
import { variableNames } from '../variables/variable-names.ts'
import type { Deployment } from './deployment.ts'

/** Writes to the journal what was unpacked where, and whether it went well; without a journal nothing happens. */
export async function recordInstallation(
  { journal, variables, log, package: file }: Pick<Deployment, 'journal' | 'variables' | 'log' | 'package'>,
  extractedTo: string,
  wasSuccessful: boolean,
): Promise<void> {
  if (journal === undefined || file === undefined) return
  const text = (name: string) => variables.text(name) ?? ''
  const customFolder = text(variableNames.customFolder)
  try {
    await journal.add({
      environmentId: text(variableNames.environmentId),
      tenantId: text(variableNames.tenantId),
      projectId: text(variableNames.projectId),
      installedOn: new Date(),
      retentionPolicySet: text(variableNames.retentionPolicySet),
      extractedTo,
      customFolder: customFolder === extractedTo ? '' : customFolder,
      wasSuccessful,
      packages: [{ id: file.id, version: file.version, deployedFrom: file.path }],
    })
  } catch (error) {
    // What was deployed is deployed; only later retention and skipping miss it.
    log.warn(`The deployment could not be written to the journal: ${toError(error).message}`)
  }
}
