import { Kysely } from 'kysely'
import { ServerError } from '../errors.ts'
import { type Migration, migrate } from './migrator.ts'
import { openSqliteFile, sqliteDialect } from './sqlite-dialect.ts'

/**
 * The database, or a transaction in it. Repositories with tables of their own type it with `db.withTables<…>()`.
 * There is one connection: inside `transaction()` use only what was given to the callback, anything else waits forever.
 */
export type Database = Kysely<unknown>

/**
 * Opens the file, makes it when it is not there, and brings its schema up to date. Close it with `destroy()`.
 * Throws ServerError `ERR_DATABASE` when the file is not a database, is damaged or was made by a newer version.
 */
export async function openDatabase(path: string, migrations: readonly Migration[]): Promise<Database> {
  let db: Database | undefined
  try {
    db = new Kysely<unknown>({ dialect: sqliteDialect(openSqliteFile(path)) })
    await migrate(db, migrations)
    return db
  } catch (error) {
    await db?.destroy()
    const reason = error instanceof Error ? error.message : String(error)
    throw new ServerError('ERR_DATABASE', `The database ${path} could not be opened: ${reason}`, {
      cause: error,
      details: { path },
    })
  }
}
