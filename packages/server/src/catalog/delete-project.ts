import { sql } from 'kysely'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { Project } from '../model/project.ts'
import { activeTaskStates } from './active-tasks.ts'

/**
 * Deletes a project with its channels, process, variables, releases and deployments. Their tasks stay as history.
 * Throws `ERR_CONFLICT` while tasks of it are not finished.
 */
export async function deleteProject(store: Store, project: Project): Promise<void> {
  await store.transaction(async within => {
    const active = await within.tasks.list({ projectId: project.id, states: activeTaskStates, take: 0 })
    if (active.total > 0) {
      const message = `'${project.name}' has ${active.total} task(s) that are not finished. Cancel them, or wait until they are.`
      throw new ServerError('ERR_CONFLICT', message, { problems: [message] })
    }
    const ofProject = { where: [sql`project_id = ${project.id}`] }
    for (const item of (await within.deployments.list(ofProject)).items)
      await within.deployments.delete(item.id)
    for (const item of (await within.releases.list(ofProject)).items) await within.releases.delete(item.id)
    for (const item of (await within.channels.list(ofProject)).items) await within.channels.delete(item.id)
    const processes = await within.deploymentProcesses.list(ofProject)
    for (const item of processes.items) await within.deploymentProcesses.delete(item.id)
    const variables = await within.variableSets.list({ where: [sql`owner_id = ${project.id}`] })
    for (const item of variables.items) await within.variableSets.delete(item.id)
    await within.projects.delete(project.id)
  })
}
