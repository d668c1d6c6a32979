import { sql } from 'kysely'
import type { Deployment, Release } from '../model/release.ts'
import type { Database } from './database.ts'
import {
  type Condition,
  columnIsOneOf,
  createDocumentRepository,
  type DocumentRepository,
  type Found,
  type ListQuery,
} from './document-repository.ts'

/** The releases of all projects, newest first. The name of a release in queries is its version. */
export interface ReleaseRepository extends DocumentRepository<Release> {
  byVersion(projectId: string, version: string): Promise<Release | undefined>
  ofProject(projectId: string, query?: Omit<ListQuery, 'where'>): Promise<Found<Release>>
}

/** Filters of deployments. Lists mean "any of these". */
export interface DeploymentQuery extends Omit<ListQuery, 'where'> {
  readonly projects?: readonly string[]
  readonly environments?: readonly string[]
  readonly tenants?: readonly string[]
  readonly channels?: readonly string[]
  readonly releases?: readonly string[]
}

/** The deployments of all projects, newest first. */
export interface DeploymentRepository extends DocumentRepository<Deployment> {
  find(query: DeploymentQuery): Promise<Found<Deployment>>
  byTask(taskId: string): Promise<Deployment | undefined>
}

/** Opens the releases over the database or a transaction. */
export function createReleaseRepository(db: Database, now: () => Date): ReleaseRepository {
  const documents = createDocumentRepository<Release>(
    db,
    {
      table: 'releases',
      prefix: 'Releases',
      what: 'release',
      name: release => release.version,
      spaceId: release => release.spaceId,
      columns: { project_id: release => release.projectId, channel_id: release => release.channelId },
      order: ['newest'],
    },
    now,
  )
  const inProject = (projectId: string): Condition => sql`project_id = ${projectId}`
  return {
    ...documents,
    byVersion: async (projectId, version) =>
      (await documents.list({ name: version, where: [inProject(projectId)], take: 1 })).items[0],
    ofProject: (projectId, query = {}) => documents.list({ ...query, where: [inProject(projectId)] }),
  }
}

/** Opens the deployments over the database or a transaction. */
export function createDeploymentRepository(db: Database, now: () => Date): DeploymentRepository {
  const documents = createDocumentRepository<Deployment>(
    db,
    {
      table: 'deployments',
      prefix: 'Deployments',
      what: 'deployment',
      name: deployment => deployment.name,
      spaceId: deployment => deployment.spaceId,
      columns: {
        project_id: deployment => deployment.projectId,
        release_id: deployment => deployment.releaseId,
        environment_id: deployment => deployment.environmentId,
        tenant_id: deployment => deployment.tenantId,
        channel_id: deployment => deployment.channelId,
        task_id: deployment => deployment.taskId,
      },
      order: ['newest'],
    },
    now,
  )
  return {
    ...documents,
    find(query) {
      const where: Condition[] = []
      if (query.projects !== undefined) where.push(columnIsOneOf('project_id', query.projects))
      if (query.environments !== undefined) where.push(columnIsOneOf('environment_id', query.environments))
      if (query.tenants !== undefined) where.push(columnIsOneOf('tenant_id', query.tenants))
      if (query.channels !== undefined) where.push(columnIsOneOf('channel_id', query.channels))
      if (query.releases !== undefined) where.push(columnIsOneOf('release_id', query.releases))
      return documents.list({ ...query, where })
    },
    byTask: async taskId => (await documents.list({ where: [sql`task_id = ${taskId}`] })).items[0],
  }
}
