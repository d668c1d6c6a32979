import type { Migration } from '../migrator.ts'
import { documents } from './0001-documents.ts'

/** Every step of the schema, in order. */
export const migrations: readonly Migration[] = [documents]
