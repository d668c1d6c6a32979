import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { variableNames } from '../variables/variable-names.ts'
import type { DeploymentJournal } from './deployment-journal.ts'
import type { JournalEntry } from './journal-xml.ts'

/** Tells scripts what was installed before by the same step on this machine; empty text where nothing was. */
export async function setPreviousInstallation(
  variables: ExecutionVariables,
  journal: DeploymentJournal,
): Promise<void> {
  const entries = await entriesOfStep(variables, journal)
  const last = entries.at(-1)
  const lastSuccessful = entries.findLast(entry => entry.wasSuccessful)
  setFrom(variables, 'Octopus.Tentacle.PreviousInstallation', last)
  setFrom(variables, 'Octopus.Tentacle.PreviousSuccessfulInstallation', lastSuccessful)
}

/** The installations of the same step on this machine, oldest first. */
export async function entriesOfStep(
  variables: ExecutionVariables,
  journal: DeploymentJournal,
): Promise<JournalEntry[]> {
  const set = variables.text(variableNames.retentionPolicySet)
  if (set === undefined) return []
  const entries = (await journal.entries()).filter(
    entry => entry.retentionPolicySet.toLowerCase() === set.toLowerCase(),
  )
  return entries.sort((a, b) => a.installedOn.getTime() - b.installedOn.getTime())
}

function setFrom(variables: ExecutionVariables, prefix: string, entry: JournalEntry | undefined): void {
  const [installed] = entry?.packages ?? []
  variables.set(`${prefix}.OriginalInstalledPath`, entry?.extractedTo ?? '')
  variables.set(`${prefix}.CustomInstallationDirectory`, entry?.customFolder ?? '')
  variables.set(`${prefix}.PackageFilePath`, installed?.deployedFrom ?? '')
  variables.set(`${prefix}.PackageVersion`, installed?.version ?? '')
}
