import { dateFilters } from './date-filters.ts'
import { escapeFilters } from './escape-filters.ts'
import { formatFilters } from './format-filter.ts'
import { hashFilters } from './hash-filters.ts'
import { markdownFilters } from './markdown-filter.ts'
import { textFilters } from './text-filters.ts'
import { uriFilters } from './uri-filter.ts'
import { versionFilters } from './version-filters.ts'

export interface FilterEnvironment {
  readonly now: () => Date
}

/**
 * Turns the text before the `|` into other text. `undefined` as input means that there was none; `undefined` as answer
 * that the filter cannot work on it, which leaves the token in place and reports it as missing.
 */
export type Filter = (
  input: string | undefined,
  options: readonly string[],
  environment: FilterEnvironment,
) => string | undefined

/** Filters by their names in lower case. */
export type FilterTable = Readonly<Record<string, Filter>>

const builtIn: FilterTable = {
  ...textFilters,
  ...escapeFilters,
  ...formatFilters,
  ...hashFilters,
  ...dateFilters,
  ...uriFilters,
  ...versionFilters,
  ...markdownFilters,
}

/** The filter of that name, in any case; the built-in ones cannot be replaced. */
export function findFilter(name: string, extensions: FilterTable): Filter | undefined {
  const key = name.toLowerCase()
  if (Object.hasOwn(builtIn, key)) return builtIn[key]
  return Object.hasOwn(extensions, key) ? extensions[key] : undefined
}
