import { TentacleError } from '../errors.ts'

export type OutputFormat = 'text' | 'json'

/** @throws TentacleError `ERR_USAGE` for a format that does not exist. */
export function formatOf(typed = 'text'): OutputFormat {
  const format = typed.toLowerCase()
  if (format === 'text' || format === 'json') return format
  throw new TentacleError('ERR_USAGE', `The format '${typed}' is not supported. Try text or json.`)
}
