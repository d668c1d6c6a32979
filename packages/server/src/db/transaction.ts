import type { Database } from './database.ts'

/** Runs the work in the transaction that is open already, else in one of its own. */
export function inTransaction<T>(db: Database, work: (within: Database) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work)
}
