import type { Space } from '../model/space.ts'
import type { Database } from './database.ts'
import { createDocumentRepository, type DocumentRepository } from './document-repository.ts'

/** The spaces. */
export interface SpaceRepository extends DocumentRepository<Space> {
  default(): Promise<Space | undefined>
}

/** Opens the spaces over the database or a transaction. */
export function createSpaceRepository(db: Database, now: () => Date): SpaceRepository {
  const documents = createDocumentRepository<Space>(
    db,
    {
      table: 'spaces',
      prefix: 'Spaces',
      what: 'space',
      name: space => space.name,
      spaceId: () => '',
      columns: { is_default: space => (space.isDefault ? 1 : 0) },
    },
    now,
  )
  return { ...documents, default: async () => (await documents.list()).items.find(space => space.isDefault) }
}
