import { type Kysely, sql } from 'kysely'
import type { Migration } from '../migrator.ts'

interface TableShape {
  readonly table: string
  /** Columns beside the ones that every table has. */
  readonly columns?: readonly string[]
  /** What may not occur twice. Default: a name in its space. */
  readonly unique?: readonly string[] | null
  readonly indexes?: readonly (readonly string[])[]
}

const machineColumns = {
  columns: [
    'thumbprint text not null',
    'uri text not null',
    'style text not null',
    'machine_policy_id text',
    'is_disabled integer not null',
    'health_status text not null',
    'shell_name text',
  ],
  indexes: [['thumbprint'], ['uri']],
} as const

const tables: readonly TableShape[] = [
  { table: 'spaces', columns: ['is_default integer not null'] },
  { table: 'users', columns: ['is_active integer not null'] },
  {
    table: 'api_keys',
    columns: ['user_id text not null', 'hash text not null'],
    unique: ['hash'],
    indexes: [['user_id']],
  },
  {
    table: 'sessions',
    columns: ['user_id text not null', 'hash text not null', 'expires text not null'],
    unique: ['hash'],
    indexes: [['user_id'], ['expires']],
  },
  { table: 'environments', columns: ['sort_order integer not null'] },
  { table: 'machines', ...machineColumns },
  { table: 'workers', ...machineColumns },
  { table: 'machine_policies', columns: ['is_default integer not null'] },
  { table: 'worker_pools', columns: ['is_default integer not null', 'sort_order integer not null'] },
  { table: 'proxies' },
  { table: 'tag_sets', columns: ['sort_order integer not null'] },
  { table: 'tenants' },
  { table: 'feeds', columns: ['feed_type text not null'] },
  {
    table: 'packages',
    columns: ['version text not null'],
    unique: ['space_id', 'name_key', 'version collate nocase'],
  },
  { table: 'project_groups' },
  { table: 'lifecycles', columns: ['is_default integer not null'] },
  {
    table: 'projects',
    columns: ['slug text not null', 'project_group_id text not null', 'lifecycle_id text not null'],
  },
  {
    table: 'channels',
    columns: ['project_id text not null', 'is_default integer not null'],
    unique: ['project_id', 'name_key'],
  },
  {
    table: 'deployment_processes',
    columns: ['project_id text not null'],
    unique: null,
    indexes: [['project_id']],
  },
  { table: 'variable_sets', columns: ['owner_id text not null'], unique: null, indexes: [['owner_id']] },
  {
    table: 'releases',
    columns: ['project_id text not null', 'channel_id text not null'],
    unique: ['project_id', 'name_key'],
  },
  {
    table: 'deployments',
    columns: [
      'project_id text not null',
      'release_id text not null',
      'environment_id text not null',
      'tenant_id text',
      'channel_id text not null',
      'task_id text not null',
    ],
    unique: null,
    indexes: [['project_id', 'environment_id'], ['release_id'], ['task_id']],
  },
]

async function createTable(
  db: Kysely<unknown>,
  { table, columns = [], unique, indexes = [] }: TableShape,
): Promise<void> {
  const own = columns.map(column => `, ${column}`).join('')
  await sql
    .raw(`create table ${table} (number integer primary key, id text not null collate nocase unique,
    space_id text not null, name text not null, name_key text not null, json text not null, revision integer not null${own})`)
    .execute(db)
  const uniqueColumns = unique === undefined ? ['space_id', 'name_key'] : unique
  if (uniqueColumns !== null) {
    await sql.raw(`create unique index ${table}_unique on ${table} (${uniqueColumns.join(', ')})`).execute(db)
  }
  for (const [index, names] of indexes.entries()) {
    await sql.raw(`create index ${table}_${index} on ${table} (${names.join(', ')})`).execute(db)
  }
}

/** One table for each kind of document, the counters of their ids, and single settings such as the certificate. */
export const documents: Migration = {
  name: '0001-documents',
  async up(db) {
    await sql`create table id_counters (prefix text primary key, last integer not null)`.execute(db)
    await sql`create table settings (name text primary key, value text not null)`.execute(db)
    for (const shape of tables) await createTable(db, shape)
  },
}
