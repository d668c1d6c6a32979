import { DatabaseSync } from 'node:sqlite'
import { SqliteDialect } from 'kysely'

type SqliteValue = null | number | bigint | string | Uint8Array

/** What Kysely's SQLite dialect asks of a prepared statement. */
interface Statement {
  readonly reader: boolean
  all(parameters: readonly unknown[]): unknown[]
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>
}

function toSqliteValue(value: unknown): SqliteValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`A ${typeof value} cannot be stored in SQLite; convert it to text or a number first.`)
}

/** Opens (or makes) the database file and sets what every connection needs: WAL, foreign keys, patience. */
export function openSqliteFile(path: string): DatabaseSync {
  const file = new DatabaseSync(path)
  // FULL in WAL mode syncs at each commit: a committed task or ticket must survive a power cut.
  file.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000',
  )
  return file
}

/** Kysely's own SQLite dialect over the database that is built into Node. */
export function sqliteDialect(file: DatabaseSync): SqliteDialect {
  return new SqliteDialect({
    database: {
      close: () => file.close(),
      prepare: (sql: string): Statement => {
        const statement = file.prepare(sql)
        return {
          reader: statement.columns().length > 0,
          all: parameters => statement.all(...parameters.map(toSqliteValue)),
          run: parameters => statement.run(...parameters.map(toSqliteValue)),
          iterate: parameters => statement.iterate(...parameters.map(toSqliteValue)),
        }
      },
    },
  })
}
