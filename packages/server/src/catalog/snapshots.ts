import type { Store } from '../db/store.ts'
import type { Project } from '../model/project.ts'

/** Ids of the copies that a release or deployment keeps. */
export interface Snapshots {
  readonly processSnapshotId: string
  readonly variableSetSnapshotId: string
}

/** Keeps the project's variables as they are now. Each revision is kept once, however many releases use it. */
export async function freezeVariables(within: Store, project: Project): Promise<string> {
  const { revision, spaceId, ownerId, variables } = await within.variableSets.require(project.variableSetId)
  const id = `${project.variableSetId}-s-${revision}`
  if ((await within.variableSets.get(id)) === undefined) {
    await within.variableSets.insert({ spaceId, ownerId, isFrozen: true, variables }, { id })
  }
  return id
}

/** Keeps the project's process as it is now. Each revision is kept once, however many releases use it. */
export async function freezeProcess(within: Store, project: Project): Promise<string> {
  const { revision, spaceId, projectId, steps } = await within.deploymentProcesses.require(
    project.deploymentProcessId,
  )
  const id = `${project.deploymentProcessId}-s-${revision}`
  if ((await within.deploymentProcesses.get(id)) === undefined) {
    await within.deploymentProcesses.insert({ spaceId, projectId, isFrozen: true, steps }, { id })
  }
  return id
}
