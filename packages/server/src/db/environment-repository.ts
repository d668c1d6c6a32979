import type { Environment } from '../model/environment.ts'
import type { Database } from './database.ts'
import { createDocumentRepository, type DocumentRepository } from './document-repository.ts'

/** The environments of all spaces, in their order. */
export type EnvironmentRepository = DocumentRepository<Environment>

/** Opens the environments over the database or a transaction. */
export function createEnvironmentRepository(db: Database, now: () => Date): EnvironmentRepository {
  return createDocumentRepository<Environment>(
    db,
    {
      table: 'environments',
      prefix: 'Environments',
      what: 'environment',
      name: environment => environment.name,
      spaceId: environment => environment.spaceId,
      columns: { sort_order: environment => environment.sortOrder },
      order: ['sort_order', 'name'],
    },
    now,
  )
}
