import type { ApiClient } from './client.ts'
import { type Json, list, text } from './read.ts'

/** A place that machines belong to and that releases are deployed to. */
export interface Environment {
  readonly id: string
  readonly name: string
}

/** All environments in the server's order. */
export async function listEnvironments(
  api: ApiClient,
  space: string,
  signal?: AbortSignal,
): Promise<readonly Environment[]> {
  return list(await api.get(`api/${space}/environments/all`, signal), readEnvironment)
}

function readEnvironment(environment: Json): Environment {
  return { id: text(environment, 'Id'), name: text(environment, 'Name') }
}
