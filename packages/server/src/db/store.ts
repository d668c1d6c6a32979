import type { Database } from './database.ts'
import { createEnvironmentRepository } from './environment-repository.ts'
import {
  createMachinePolicyRepository,
  createProxyRepository,
  createTagSetRepository,
  createTenantRepository,
  createWorkerPoolRepository,
} from './infrastructure-repositories.ts'
import { createMachineRepository, createWorkerRepository } from './machine-repository.ts'
import { createFeedRepository, createPackageRepository } from './package-repository.ts'
import {
  createChannelRepository,
  createDeploymentProcessRepository,
  createLifecycleRepository,
  createProjectGroupRepository,
  createProjectRepository,
  createVariableSetRepository,
} from './project-repository.ts'
import { createDeploymentRepository, createReleaseRepository } from './release-repository.ts'
import { createSettingsRepository } from './settings-repository.ts'
import { createSpaceRepository } from './space-repository.ts'
import { createTaskRepository } from './task-repository.ts'
import { createApiKeyRepository, createSessionRepository, createUserRepository } from './user-repository.ts'

function openRepositories(db: Database, now: () => Date) {
  return {
    settings: createSettingsRepository(db),
    spaces: createSpaceRepository(db, now),
    users: createUserRepository(db, now),
    apiKeys: createApiKeyRepository(db, now),
    sessions: createSessionRepository(db, now),
    environments: createEnvironmentRepository(db, now),
    machines: createMachineRepository(db, now),
    workers: createWorkerRepository(db, now),
    machinePolicies: createMachinePolicyRepository(db, now),
    workerPools: createWorkerPoolRepository(db, now),
    proxies: createProxyRepository(db, now),
    tagSets: createTagSetRepository(db, now),
    tenants: createTenantRepository(db, now),
    feeds: createFeedRepository(db, now),
    packages: createPackageRepository(db, now),
    projectGroups: createProjectGroupRepository(db, now),
    lifecycles: createLifecycleRepository(db, now),
    projects: createProjectRepository(db, now),
    channels: createChannelRepository(db, now),
    deploymentProcesses: createDeploymentProcessRepository(db, now),
    variableSets: createVariableSetRepository(db, now),
    releases: createReleaseRepository(db, now),
    deployments: createDeploymentRepository(db, now),
    tasks: createTaskRepository(db, now),
  }
}

/** The repositories of one kind of document each. */
export type Repositories = Readonly<ReturnType<typeof openRepositories>>

/** All repositories over one database. */
export interface Store extends Repositories {
  /** For repositories with tables of their own, so that they take part in a transaction. */
  readonly db: Database
  readonly now: () => Date
  /**
   * All or nothing. Inside use only the store that is given: there is one connection, and it belongs to the
   * transaction. In a transaction it runs within that one.
   */
  transaction<T>(work: (store: Store) => Promise<T>): Promise<T>
}

/** Opens all repositories. */
export function createStore(db: Database, now: () => Date = () => new Date()): Store {
  const store: Store = {
    ...openRepositories(db, now),
    db,
    now,
    transaction: work =>
      db.isTransaction ? work(store) : db.transaction().execute(within => work(createStore(within, now))),
  }
  return store
}
