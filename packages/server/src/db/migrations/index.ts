import type { Migration } from '../migrator.ts'
import { documents } from './0001-documents.ts'
import { tasks } from './0002-tasks.ts'

/** Every step of the schema, in order. */
export const migrations: readonly Migration[] = [documents, tasks]
