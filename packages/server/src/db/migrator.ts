import { type Kysely, sql } from 'kysely'

/** One forward-only step of the schema. Names start with a number that is never used again. */
export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
}

/**
 * Brings the schema up to date: every migration that was not applied yet runs in order, each in a transaction of its
 * own together with the note that it ran, so a crash leaves either both or neither.
 */
export async function migrate(
  db: Kysely<unknown>,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  await sql`create table if not exists migrations (name text primary key, applied_at text not null)`.execute(
    db,
  )
  const applied = new Set(
    (await sql<{ name: string }>`select name from migrations`.execute(db)).rows.map(row => row.name),
  )
  const known = new Set(migrations.map(migration => migration.name))
  for (const name of applied) {
    if (!known.has(name)) {
      throw new Error(
        `The database was made by a newer version of this server (it has the step '${name}', which this version does ` +
          'not know). Start that version again, or restore a backup from before the upgrade.',
      )
    }
  }
  const done: string[] = []
  for (const migration of migrations) {
    if (applied.has(migration.name)) continue
    await db.transaction().execute(async transaction => {
      await migration.up(transaction)
      await sql`insert into migrations (name, applied_at) values (${migration.name}, ${new Date().toISOString()})`.execute(
        transaction,
      )
    })
    done.push(migration.name)
  }
  return done
}
