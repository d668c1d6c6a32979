import { sql } from 'kysely'
import type { DeploymentProcess } from '../model/deployment-process.ts'
import type { Channel, Lifecycle, Project, ProjectGroup } from '../model/project.ts'
import type { VariableSet } from '../model/variable-set.ts'
import type { Database } from './database.ts'
import { createDocumentRepository, type DocumentRepository } from './document-repository.ts'

export type ProjectGroupRepository = DocumentRepository<ProjectGroup>

/** The lifecycles of all spaces. */
export interface LifecycleRepository extends DocumentRepository<Lifecycle> {
  default(spaceId: string): Promise<Lifecycle | undefined>
}

/** The projects of all spaces. */
export interface ProjectRepository extends DocumentRepository<Project> {
  bySlug(spaceId: string, slug: string): Promise<Project | undefined>
}

/** The channels of all projects. */
export interface ChannelRepository extends DocumentRepository<Channel> {
  ofProject(projectId: string): Promise<readonly Channel[]>
}

/** Processes under `deploymentprocess-Projects-N`, and the frozen copies that releases keep. */
export type DeploymentProcessRepository = DocumentRepository<DeploymentProcess>
/** Variable sets under `variableset-Projects-N`, and the frozen copies that releases keep. */
export type VariableSetRepository = DocumentRepository<VariableSet>

/** Opens the project groups over the database or a transaction. */
export function createProjectGroupRepository(db: Database, now: () => Date): ProjectGroupRepository {
  return createDocumentRepository<ProjectGroup>(
    db,
    {
      table: 'project_groups',
      prefix: 'ProjectGroups',
      what: 'project group',
      name: group => group.name,
      spaceId: group => group.spaceId,
    },
    now,
  )
}

/** Opens the lifecycles over the database or a transaction. */
export function createLifecycleRepository(db: Database, now: () => Date): LifecycleRepository {
  const documents = createDocumentRepository<Lifecycle>(
    db,
    {
      table: 'lifecycles',
      prefix: 'Lifecycles',
      what: 'lifecycle',
      name: lifecycle => lifecycle.name,
      spaceId: lifecycle => lifecycle.spaceId,
      columns: { is_default: lifecycle => (lifecycle.isDefault ? 1 : 0) },
    },
    now,
  )
  return {
    ...documents,
    default: async spaceId =>
      (await documents.list({ spaceId })).items.find(lifecycle => lifecycle.isDefault),
  }
}

/** Opens the projects over the database or a transaction. */
export function createProjectRepository(db: Database, now: () => Date): ProjectRepository {
  const documents = createDocumentRepository<Project>(
    db,
    {
      table: 'projects',
      prefix: 'Projects',
      what: 'project',
      name: project => project.name,
      spaceId: project => project.spaceId,
      columns: {
        slug: project => project.slug,
        project_group_id: project => project.projectGroupId,
        lifecycle_id: project => project.lifecycleId,
      },
    },
    now,
  )
  return {
    ...documents,
    bySlug: async (spaceId, slug) =>
      (await documents.list({ spaceId, where: [sql`slug = ${slug} collate nocase`] })).items[0],
  }
}

/** Opens the channels over the database or a transaction. */
export function createChannelRepository(db: Database, now: () => Date): ChannelRepository {
  const documents = createDocumentRepository<Channel>(
    db,
    {
      table: 'channels',
      prefix: 'Channels',
      what: 'channel',
      name: channel => channel.name,
      spaceId: channel => channel.spaceId,
      columns: {
        project_id: channel => channel.projectId,
        is_default: channel => (channel.isDefault ? 1 : 0),
      },
    },
    now,
  )
  return {
    ...documents,
    ofProject: async projectId => (await documents.list({ where: [sql`project_id = ${projectId}`] })).items,
  }
}

/** Opens the deployment processes over the database or a transaction. */
export function createDeploymentProcessRepository(
  db: Database,
  now: () => Date,
): DeploymentProcessRepository {
  return createDocumentRepository<DeploymentProcess>(
    db,
    {
      table: 'deployment_processes',
      prefix: 'deploymentprocess',
      what: 'deployment process',
      name: process => process.projectId,
      spaceId: process => process.spaceId,
      columns: { project_id: process => process.projectId },
      order: ['number'],
    },
    now,
  )
}

/** Opens the variable sets over the database or a transaction. */
export function createVariableSetRepository(db: Database, now: () => Date): VariableSetRepository {
  return createDocumentRepository<VariableSet>(
    db,
    {
      table: 'variable_sets',
      prefix: 'variableset',
      what: 'variable set',
      name: set => set.ownerId,
      spaceId: set => set.spaceId,
      columns: { owner_id: set => set.ownerId },
      order: ['number'],
    },
    now,
  )
}
