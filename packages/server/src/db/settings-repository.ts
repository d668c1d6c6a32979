import { sql } from 'kysely'
import type { Database } from './database.ts'

/** Single values of the installation, e.g. its id and its certificate. */
export interface SettingsRepository {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
}

/** Opens the settings over the database or a transaction. */
export function createSettingsRepository(db: Database): SettingsRepository {
  return {
    async get(name) {
      const { rows } = await sql<{ value: string }>`select value from settings where name = ${name}`.execute(
        db,
      )
      return rows[0]?.value
    },
    async set(name, value) {
      await sql`insert into settings (name, value) values (${name}, ${value})
        on conflict (name) do update set value = excluded.value`.execute(db)
    },
  }
}
