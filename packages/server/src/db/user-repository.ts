import { sql } from 'kysely'
import type { ApiKey, Session, User } from '../model/user.ts'
import type { Database } from './database.ts'
import { createDocumentRepository, type DocumentRepository } from './document-repository.ts'

/** Who can sign in. */
export interface UserRepository extends DocumentRepository<User> {
  byUsername(username: string): Promise<User | undefined>
}

/** The API keys of all users. */
export interface ApiKeyRepository extends DocumentRepository<ApiKey> {
  byHash(hash: string): Promise<ApiKey | undefined>
  ofUser(userId: string): Promise<readonly ApiKey[]>
}

/** Who is signed in. */
export interface SessionRepository extends DocumentRepository<Session> {
  byHash(hash: string): Promise<Session | undefined>
  deleteOfUser(userId: string): Promise<void>
  /** Removes the sessions that ended before this moment. */
  deleteExpired(now: Date): Promise<void>
}

/** Opens the users over the database or a transaction. */
export function createUserRepository(db: Database, now: () => Date): UserRepository {
  const documents = createDocumentRepository<User>(
    db,
    {
      table: 'users',
      prefix: 'Users',
      what: 'user',
      name: user => user.username,
      spaceId: () => '',
      columns: { is_active: user => (user.isActive ? 1 : 0) },
    },
    now,
  )
  return { ...documents, byUsername: username => documents.byName('', username) }
}

/** Opens the API keys over the database or a transaction. */
export function createApiKeyRepository(db: Database, now: () => Date): ApiKeyRepository {
  const documents = createDocumentRepository<ApiKey>(
    db,
    {
      table: 'api_keys',
      prefix: 'apikeys',
      what: 'API key',
      name: key => key.purpose,
      spaceId: () => '',
      columns: { user_id: key => key.userId, hash: key => key.hash },
      order: ['number'],
    },
    now,
  )
  return {
    ...documents,
    byHash: async hash => (await documents.list({ where: [sql`hash = ${hash}`] })).items[0],
    ofUser: async userId => (await documents.list({ where: [sql`user_id = ${userId}`] })).items,
  }
}

/** Opens the sessions over the database or a transaction. */
export function createSessionRepository(db: Database, now: () => Date): SessionRepository {
  const documents = createDocumentRepository<Session>(
    db,
    {
      table: 'sessions',
      prefix: 'sessions',
      what: 'session',
      name: session => session.userId,
      spaceId: () => '',
      columns: {
        user_id: session => session.userId,
        hash: session => session.hash,
        expires: session => session.expires,
      },
      order: ['number'],
    },
    now,
  )
  return {
    ...documents,
    byHash: async hash => (await documents.list({ where: [sql`hash = ${hash}`] })).items[0],
    async deleteOfUser(userId) {
      await sql`delete from sessions where user_id = ${userId}`.execute(db)
    },
    async deleteExpired(at) {
      await sql`delete from sessions where expires <= ${at.toISOString()}`.execute(db)
    },
  }
}
