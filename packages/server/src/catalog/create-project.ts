import type { Store } from '../db/store.ts'
import type { Draft } from '../model/document.ts'
import type { Project } from '../model/project.ts'
import { slugOf } from './slug.ts'

/** Ids of what belongs to exactly one project. */
export function partsOfProject(projectId: string): {
  readonly deploymentProcessId: string
  readonly variableSetId: string
} {
  return { deploymentProcessId: `deploymentprocess-${projectId}`, variableSetId: `variableset-${projectId}` }
}

/** A project without what is made with it. */
export type NewProject = Omit<Draft<Project>, 'deploymentProcessId' | 'variableSetId' | 'clonedFromProjectId'>

/** Two names can give the same slug, but a slug in an address means one project. */
async function freeSlug({ projects }: Store, { spaceId, slug }: NewProject): Promise<string> {
  let free = slug
  for (let number = 2; (await projects.bySlug(spaceId, free)) !== undefined; number++)
    free = `${slug}-${number}`
  return free
}

/**
 * Makes a project with its default channel, an empty process and an empty variable set, or with copies of another
 * project's channels, process and variables.
 */
export async function createProject(
  store: Store,
  contents: NewProject,
  { cloneOf, by }: { readonly cloneOf?: Project; readonly by: string },
): Promise<Project> {
  return store.transaction(async within => {
    const id = await within.projects.reserveId()
    const parts = partsOfProject(id)
    const { spaceId } = contents
    const draft = {
      ...contents,
      slug: await freeSlug(within, contents),
      ...parts,
      clonedFromProjectId: cloneOf?.id ?? null,
    }
    const project = await within.projects.insert(draft, { id, by })
    const channels = cloneOf === undefined ? [] : await within.channels.ofProject(cloneOf.id)
    for (const {
      id: _id,
      revision: _revision,
      lastModifiedOn: _on,
      lastModifiedBy: _by,
      ...channel
    } of channels) {
      await within.channels.insert({ ...channel, projectId: id }, { by })
    }
    if (channels.length === 0) {
      const name = 'Default'
      await within.channels.insert(
        {
          spaceId,
          projectId: id,
          name,
          slug: slugOf(name),
          description: '',
          lifecycleId: null,
          isDefault: true,
          rules: [],
          tenantTags: [],
        },
        { by },
      )
    }
    const process = cloneOf && (await within.deploymentProcesses.get(cloneOf.deploymentProcessId))
    await within.deploymentProcesses.insert(
      { spaceId, projectId: id, isFrozen: false, steps: process?.steps ?? [] },
      { id: parts.deploymentProcessId, by },
    )
    const variables = cloneOf && (await within.variableSets.get(cloneOf.variableSetId))
    await within.variableSets.insert(
      { spaceId, ownerId: id, isFrozen: false, variables: variables?.variables ?? [] },
      { id: parts.variableSetId, by },
    )
    return project
  })
}
