import { type RawBuilder, sql } from 'kysely'
import { ServerError } from '../errors.ts'
import type { Document, Draft, Instant } from '../model/document.ts'
import type { Database } from './database.ts'

/** A condition over the columns of one table; the table is called `doc`, so `json_each(doc.json, '$.roles')` works too. */
export type Condition = RawBuilder<unknown>

/** What to list. Everything that is left out does not limit. */
export interface ListQuery {
  readonly spaceId?: string
  /** Unknown ids are left out of the answer. */
  readonly ids?: readonly string[]
  /** The whole name, without regard to case. */
  readonly name?: string
  /** A part of the name, without regard to case. */
  readonly partialName?: string
  readonly where?: readonly Condition[]
  /** Default 0. */
  readonly skip?: number
  /** Default: all. */
  readonly take?: number
}

/** One page, and how many there are in all. */
export interface Found<T> {
  readonly items: readonly T[]
  readonly total: number
}

/** Who writes, and under which id. */
export interface InsertOptions {
  /** Default: the next number, e.g. `Machines-8`. */
  readonly id?: string
  /** Name of the user; default null, the server itself. */
  readonly by?: string | null
}

/** The stored documents of one kind. */
export interface DocumentRepository<T extends Document> {
  get(id: string): Promise<T | undefined>
  /** As get, but throws `ERR_NOT_FOUND`; with a space also for a document of another space. */
  require(id: string, spaceId?: string): Promise<T>
  getMany(ids: readonly string[]): Promise<readonly T[]>
  byName(spaceId: string, name: string): Promise<T | undefined>
  list(query?: ListQuery): Promise<Found<T>>
  count(query?: ListQuery): Promise<number>
  /** Takes the next id, for documents that name each other before they are there. */
  reserveId(): Promise<string>
  /** Throws `ERR_NAME_TAKEN` when a unique name is in use. */
  insert(draft: Draft<T>, options?: InsertOptions): Promise<T>
  /** Writes over the revision that was read; throws `ERR_REVISION` when somebody else wrote in between. */
  update(document: T, by?: string | null): Promise<T>
  /** Reads, changes and writes in one transaction; undefined when there is no such document. */
  change(id: string, edit: (document: T) => T, by?: string | null): Promise<T | undefined>
  /** False when there was nothing. */
  delete(id: string): Promise<boolean>
}

/** How documents of one kind are stored. The columns must exist in the table (see the migrations). */
export interface TableDefinition<T extends Document> {
  readonly table: string
  /** First part of ids, e.g. `Machines`. */
  readonly prefix: string
  /** For messages: `machine`. */
  readonly what: string
  readonly name: (document: Draft<T>) => string
  /** '' for documents of no space. */
  readonly spaceId: (document: Draft<T>) => string
  /** Columns beside the document that queries and indexes use. */
  readonly columns?: Readonly<Record<string, (document: Draft<T>) => string | number | null>>
  readonly order?: readonly ('name' | 'number' | 'newest' | 'sort_order')[]
}

interface Row {
  readonly json: string
}

/** Comparison form of names: two names that differ only in case are the same name. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

const orders: Readonly<Record<'name' | 'number' | 'newest' | 'sort_order', RawBuilder<unknown>>> = {
  name: sql`name_key`,
  number: sql`number`,
  newest: sql`number desc`,
  sort_order: sql`sort_order`,
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && error.message.includes('UNIQUE constraint failed')
}

/** Condition: the column's text is one of these, without regard to case. */
export function columnIsOneOf(column: string, values: readonly string[]): Condition {
  return sql`${sql.ref(column)} collate nocase in (select value from json_each(${JSON.stringify(values)}))`
}

/** Condition: the document's list at this path (e.g. `$.roles`) holds one of these, without regard to case. */
export function listHoldsOneOf(path: string, values: readonly string[]): Condition {
  return sql`exists (select 1 from json_each(doc.json, ${path}) item, json_each(${JSON.stringify(values)}) wanted
    where item.value = wanted.value collate nocase)`
}

function condition({ spaceId, ids, name, partialName, where = [] }: ListQuery): Condition {
  const parts: Condition[] = [sql`1 = 1`, ...where]
  if (spaceId !== undefined) parts.push(sql`space_id = ${spaceId}`)
  if (ids !== undefined) parts.push(columnIsOneOf('id', ids))
  if (name !== undefined) parts.push(sql`name_key = ${nameKey(name)}`)
  if (partialName !== undefined) parts.push(sql`instr(name_key, ${nameKey(partialName)}) > 0`)
  return sql`${sql.join(parts, sql` and `)}`
}

/** Opens the repository of one kind over the database or a transaction. */
export function createDocumentRepository<T extends Document>(
  db: Database,
  definition: TableDefinition<T>,
  now: () => Date,
): DocumentRepository<T> {
  const table = sql.table(definition.table)
  const order = sql.join((definition.order ?? ['name']).map(name => orders[name]))
  const extra = Object.entries(definition.columns ?? {})
  // What this server wrote is read back as what it was; migrations change documents when a model changes.
  const parse = (row: Row): T => JSON.parse(row.json)
  const instant = (): Instant => now().toISOString()

  async function nextId(): Promise<string> {
    const { rows } = await sql<{ last: number }>`
      insert into id_counters (prefix, last) values (${definition.prefix}, 1)
      on conflict (prefix) do update set last = last + 1 returning last`.execute(db)
    return `${definition.prefix}-${rows[0]?.last}`
  }

  function values(document: T): readonly (string | number | null)[] {
    const name = definition.name(document)
    const own = extra.map(([, read]) => read(document))
    return [
      definition.spaceId(document),
      name,
      nameKey(name),
      JSON.stringify(document),
      document.revision,
      ...own,
    ]
  }
  const columnNames = ['space_id', 'name', 'name_key', 'json', 'revision', ...extra.map(([name]) => name)]

  async function write<R>(document: T, run: () => Promise<R>): Promise<R> {
    try {
      return await run()
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const message = `The name '${definition.name(document)}' is taken: another ${definition.what} has it already.`
      throw new ServerError('ERR_NAME_TAKEN', message, { cause: error, problems: [message] })
    }
  }

  const repository: DocumentRepository<T> = {
    async get(id) {
      const { rows } = await sql<Row>`select json from ${table} where id = ${id}`.execute(db)
      return rows[0] && parse(rows[0])
    },

    async require(id, spaceId) {
      const document = await repository.get(id)
      if (document !== undefined && (spaceId === undefined || definition.spaceId(document) === spaceId))
        return document
      throw new ServerError('ERR_NOT_FOUND', `There is no ${definition.what} with the id '${id}'.`, {
        details: { id },
      })
    },

    async getMany(ids) {
      return (await repository.list({ ids })).items
    },

    async byName(spaceId, name) {
      return (await repository.list({ spaceId, name, take: 1 })).items[0]
    },

    async list(query = {}) {
      const { rows } = await sql<Row>`select json from ${table} doc where ${condition(query)}
        order by ${order}, number limit ${query.take ?? -1} offset ${query.skip ?? 0}`.execute(db)
      const whole = query.take === undefined && (query.skip ?? 0) === 0
      return { items: rows.map(parse), total: whole ? rows.length : await repository.count(query) }
    },

    async count(query = {}) {
      const counted = await sql<{
        n: number
      }>`select count(*) as n from ${table} doc where ${condition(query)}`.execute(db)
      return counted.rows[0]?.n ?? 0
    },

    reserveId: nextId,

    async insert(draft, { id, by = null } = {}) {
      const head: Document = {
        id: id ?? (await nextId()),
        revision: 1,
        lastModifiedOn: instant(),
        lastModifiedBy: by,
      }
      // A draft and the four fields of Document are a T, which the compiler cannot see through the generic Omit.
      const document = { ...head, ...draft } as T
      const names = sql.join(['id', ...columnNames].map(name => sql.ref(name)))
      await write(document, () =>
        sql`insert into ${table} (${names}) values (${sql.join([document.id, ...values(document)])})`.execute(
          db,
        ),
      )
      return document
    },

    async update(document, by = null) {
      const written: T = {
        ...document,
        revision: document.revision + 1,
        lastModifiedOn: instant(),
        lastModifiedBy: by,
      }
      const contents = values(written)
      const assignments = columnNames.map((name, index) => sql`${sql.ref(name)} = ${contents[index] ?? null}`)
      const result = await write(document, () =>
        sql`update ${table} set ${sql.join(assignments)} where id = ${document.id} and revision = ${document.revision}`.execute(
          db,
        ),
      )
      if (result.numAffectedRows === 1n) return written
      await repository.require(document.id)
      throw new ServerError(
        'ERR_REVISION',
        `The ${definition.what} '${document.id}' was changed by somebody else in the meantime. Read it again and repeat the change.`,
        { details: { id: document.id } },
      )
    },

    async change(id, edit, by = null) {
      const inTransaction = async (within: Database): Promise<T | undefined> => {
        const own = createDocumentRepository(within, definition, now)
        const document = await own.get(id)
        return document && (await own.update(edit(document), by))
      }
      return db.isTransaction ? inTransaction(db) : db.transaction().execute(inTransaction)
    },

    async delete(id) {
      const result = await sql`delete from ${table} where id = ${id}`.execute(db)
      return result.numAffectedRows === 1n
    },
  }
  return repository
}
