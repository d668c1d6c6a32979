import { ApiError } from './api-error.ts'

/** An object of a JSON answer, before its fields are looked at. */
export type Json = Readonly<Record<string, unknown>>

/** @throws ApiError ERR_BAD_ANSWER when the value is not an object */
export function asObject(value: unknown): Json {
  if (isObject(value)) return value
  throw new ApiError('ERR_BAD_ANSWER', `The server's answer has an unexpected form: an object was expected.`)
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text field; anything else counts as the fallback. */
export function text(from: Json, name: string, fallback = ''): string {
  const value = from[name]
  return typeof value === 'string' ? value : fallback
}

/** A text field that may be null, missing or empty: all of these are `undefined`. */
export function optionalText(from: Json, name: string): string | undefined {
  return text(from, name) || undefined
}

export function number(from: Json, name: string, fallback = 0): number {
  const value = from[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback
}

export function flag(from: Json, name: string): boolean {
  return from[name] === true
}

/** A list of texts; null and missing lists are empty. */
export function texts(from: Json, name: string): readonly string[] {
  const value = from[name]
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

/** An object field; null and missing ones are an empty object. */
export function object(from: Json, name: string): Json {
  const value = from[name]
  return isObject(value) ? value : {}
}

/** A moment in milliseconds since 1970; null, missing and the "not set" year 1 are `undefined`. */
export function moment(from: Json, name: string): number | undefined {
  const parsed = Date.parse(text(from, name))
  return Number.isNaN(parsed) || parsed < 0 ? undefined : parsed
}

/** Reads a bare list (`…/all`). Entries that are not objects are left out. */
export function list<T>(value: unknown, read: (item: Json) => T): readonly T[] {
  if (!Array.isArray(value)) {
    throw new ApiError('ERR_BAD_ANSWER', `The server's answer has an unexpected form: a list was expected.`)
  }
  return value.filter(isObject).map(read)
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
}

/** Reads a page (`Items`, `TotalResults`). */
export function page<T>(value: unknown, read: (item: Json) => T): Page<T> {
  const answer = asObject(value)
  const items = list(answer.Items, read)
  return { items, total: number(answer, 'TotalResults', items.length) }
}
