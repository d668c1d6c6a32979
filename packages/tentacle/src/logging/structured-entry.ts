import type { Diagnostics } from './diagnostics.ts'
import type { LogLevel } from './levels.ts'

/** One entry of the log, before it is text. */
export interface StructuredEntry {
  readonly now: Date
  readonly processId: number
  readonly level: LogLevel
  readonly message: string
  readonly error?: unknown
}

/** Replaces secrets in a text. Before it is JSON: there a secret with a quote or a line break has another spelling. */
type Mask = (text: string) => string

/** How many causes of an error are told. An error may be its own cause. */
const maximumCauses = 10

/** An entry as one line of JSON (docs/wire/tentacle-settings.md 7). */
export function structuredEntry(entry: StructuredEntry, mask: Mask): string {
  const { now, processId, level, message, error } = entry
  const told = error === undefined ? {} : { error: errorFields(error, 0) }
  return lineOf({ time: now.toISOString(), level, pid: processId, message, ...told }, mask)
}

/** The first line of each process: which program, which instance, on which machine. */
export function structuredStart(now: Date, facts: Diagnostics, mask: Mask): string {
  const { processId, folders, ...rest } = facts
  const first = { time: now.toISOString(), level: 'info', pid: processId, message: 'Started' }
  return lineOf({ ...first, ...rest, logs: folders.to }, mask)
}

function lineOf(fields: Readonly<Record<string, unknown>>, mask: Mask): string {
  const text = JSON.stringify(fields, (_, value: unknown) =>
    typeof value === 'string' ? mask(value) : value,
  )
  return `${text}\n`
}

function errorFields(thrown: unknown, depth: number): Readonly<Record<string, unknown>> {
  if (!(thrown instanceof Error)) return { message: String(thrown) }
  const { name, message, stack, cause } = thrown
  const code = 'code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {}
  const deeper = cause === undefined || depth >= maximumCauses ? {} : { cause: errorFields(cause, depth + 1) }
  return { name, message, ...code, stack, ...deeper }
}
