import type { Document } from '../model/document.ts'
import type { MachinePolicy } from '../model/machine-policy.ts'
import type { HttpProxy } from '../model/proxy.ts'
import type { TagSet, Tenant } from '../model/tenant.ts'
import type { WorkerPool } from '../model/worker-pool.ts'
import type { Database } from './database.ts'
import { createDocumentRepository, type DocumentRepository } from './document-repository.ts'

/** Kinds of which each space has a default one. */
export interface RepositoryWithDefault<T extends Document> extends DocumentRepository<T> {
  default(spaceId: string): Promise<T | undefined>
}

export type MachinePolicyRepository = RepositoryWithDefault<MachinePolicy>
export type WorkerPoolRepository = RepositoryWithDefault<WorkerPool>
export type ProxyRepository = DocumentRepository<HttpProxy>
export type TagSetRepository = DocumentRepository<TagSet>
export type TenantRepository = DocumentRepository<Tenant>

/** Opens the machine policies over the database or a transaction. */
export function createMachinePolicyRepository(db: Database, now: () => Date): MachinePolicyRepository {
  const documents = createDocumentRepository<MachinePolicy>(
    db,
    {
      table: 'machine_policies',
      prefix: 'MachinePolicies',
      what: 'machine policy',
      name: policy => policy.name,
      spaceId: policy => policy.spaceId,
      columns: { is_default: policy => (policy.isDefault ? 1 : 0) },
    },
    now,
  )
  return {
    ...documents,
    default: async spaceId => (await documents.list({ spaceId })).items.find(policy => policy.isDefault),
  }
}

/** Opens the worker pools over the database or a transaction. */
export function createWorkerPoolRepository(db: Database, now: () => Date): WorkerPoolRepository {
  const documents = createDocumentRepository<WorkerPool>(
    db,
    {
      table: 'worker_pools',
      prefix: 'WorkerPools',
      what: 'worker pool',
      name: pool => pool.name,
      spaceId: pool => pool.spaceId,
      columns: { is_default: pool => (pool.isDefault ? 1 : 0), sort_order: pool => pool.sortOrder },
      order: ['sort_order', 'name'],
    },
    now,
  )
  return {
    ...documents,
    default: async spaceId => (await documents.list({ spaceId })).items.find(pool => pool.isDefault),
  }
}

/** Opens the proxies over the database or a transaction. */
export function createProxyRepository(db: Database, now: () => Date): ProxyRepository {
  return createDocumentRepository<HttpProxy>(
    db,
    {
      table: 'proxies',
      prefix: 'Proxies',
      what: 'proxy',
      name: proxy => proxy.name,
      spaceId: proxy => proxy.spaceId,
    },
    now,
  )
}

/** Opens the tag sets over the database or a transaction. */
export function createTagSetRepository(db: Database, now: () => Date): TagSetRepository {
  return createDocumentRepository<TagSet>(
    db,
    {
      table: 'tag_sets',
      prefix: 'TagSets',
      what: 'tag set',
      name: set => set.name,
      spaceId: set => set.spaceId,
      columns: { sort_order: set => set.sortOrder },
      order: ['sort_order', 'name'],
    },
    now,
  )
}

/** Opens the tenants over the database or a transaction. */
export function createTenantRepository(db: Database, now: () => Date): TenantRepository {
  return createDocumentRepository<Tenant>(
    db,
    {
      table: 'tenants',
      prefix: 'Tenants',
      what: 'tenant',
      name: tenant => tenant.name,
      spaceId: tenant => tenant.spaceId,
    },
    now,
  )
}
