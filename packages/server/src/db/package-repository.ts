import { sql } from 'kysely'
import type { Feed, Package } from '../model/package.ts'
import type { Database } from './database.ts'
import { createDocumentRepository, type DocumentRepository, nameKey } from './document-repository.ts'

/** The package sources of all spaces. */
export interface FeedRepository extends DocumentRepository<Feed> {
  /** The feed that the server itself keeps for a space. */
  builtIn(spaceId: string): Promise<Feed | undefined>
}

/** What is in the built-in feeds. The name of a package in queries is its package id. */
export interface PackageRepository extends DocumentRepository<Package> {
  /** Without regard to case. */
  byVersion(spaceId: string, packageId: string, version: string): Promise<Package | undefined>
  /** Every version of a package, in no particular order: compare with `compareVersions`. */
  versionsOf(spaceId: string, packageId: string): Promise<readonly Package[]>
}

/** Opens the feeds over the database or a transaction. */
export function createFeedRepository(db: Database, now: () => Date): FeedRepository {
  const documents = createDocumentRepository<Feed>(
    db,
    {
      table: 'feeds',
      prefix: 'Feeds',
      what: 'feed',
      name: feed => feed.name,
      spaceId: feed => feed.spaceId,
      columns: { feed_type: feed => feed.feedType },
      order: ['number'],
    },
    now,
  )
  return {
    ...documents,
    builtIn: async spaceId =>
      (await documents.list({ spaceId, where: [sql`feed_type = 'BuiltIn'`] })).items[0],
  }
}

/** Opens the packages over the database or a transaction. */
export function createPackageRepository(db: Database, now: () => Date): PackageRepository {
  const documents = createDocumentRepository<Package>(
    db,
    {
      table: 'packages',
      prefix: 'Packages',
      what: 'package',
      name: item => item.packageId,
      spaceId: item => item.spaceId,
      columns: { version: item => item.version },
    },
    now,
  )
  return {
    ...documents,
    async byVersion(spaceId, packageId, version) {
      const where = [sql`name_key = ${nameKey(packageId)}`, sql`version = ${version} collate nocase`]
      return (await documents.list({ spaceId, where })).items[0]
    },
    versionsOf: async (spaceId, packageId) => (await documents.list({ spaceId, name: packageId })).items,
  }
}
