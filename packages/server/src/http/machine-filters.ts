import { type Static, Type } from 'typebox'
import type { AnyMachineQuery, MachineQuery, WorkerQuery } from '../db/machine-repository.ts'
import type { CommunicationStyle, HealthStatus } from '../model/machine.ts'
import { namedPageQuery, QueryFlag, QueryList, QueryText } from '../web/schema.ts'

/** Filters of every list of machines. */
export const anyMachineFilters = {
  isDisabled: QueryFlag,
  healthStatuses: QueryList,
  commStyles: QueryList,
  thumbprint: QueryText,
  shellNames: QueryList,
}

export const MachineListQuery = Type.Object({
  ...namedPageQuery,
  ...anyMachineFilters,
  roles: QueryList,
  environmentIds: QueryList,
  tenantIds: QueryList,
  tenantTags: QueryList,
})
export const WorkerListQuery = Type.Object({
  ...namedPageQuery,
  ...anyMachineFilters,
  workerPoolIds: QueryList,
})

type Filters<T> = { readonly [K in keyof T]?: T[K] | undefined }

const healthStatuses: readonly HealthStatus[] = [
  'Healthy',
  'HasWarnings',
  'Unhealthy',
  'Unavailable',
  'Unknown',
]
const commStyles: readonly CommunicationStyle[] = ['TentaclePassive', 'TentacleActive']

/** Words that name nothing we know find nothing, as with ids. */
function knownWords<T extends string>(words: readonly string[], known: readonly T[]): readonly T[] {
  return known.filter(each => words.some(word => word.toLowerCase() === each.toLowerCase()))
}

/** `ab:cd ef…` → `ABCDEF…`. Text that is no thumbprint stays and matches nothing. */
function comparableThumbprint(text: string): string {
  return text.replace(/[\s:]/g, '').toUpperCase()
}

/** The filters that machines and workers share, in the repositories' form. */
function sharedQuery(spaceId: string, query: Filters<Static<typeof WorkerListQuery>>): AnyMachineQuery {
  return {
    spaceId,
    ...(query.ids && { ids: query.ids }),
    ...(query.name && { name: query.name }),
    ...(query.partialName && { partialName: query.partialName }),
    ...(query.isDisabled !== undefined && { isDisabled: query.isDisabled }),
    ...(query.healthStatuses && { healthStatuses: knownWords(query.healthStatuses, healthStatuses) }),
    ...(query.commStyles && { commStyles: knownWords(query.commStyles, commStyles) }),
    ...(query.thumbprint && { thumbprint: comparableThumbprint(query.thumbprint) }),
    ...(query.shellNames && { shellNames: query.shellNames }),
  }
}

/** A query for deployment targets. */
export function toMachineQuery(
  spaceId: string,
  query: Filters<Static<typeof MachineListQuery>>,
): MachineQuery {
  return {
    ...sharedQuery(spaceId, query),
    ...(query.roles && { roles: query.roles }),
    ...(query.environmentIds && { environmentIds: query.environmentIds }),
    ...(query.tenantIds && { tenantIds: query.tenantIds }),
    ...(query.tenantTags && { tenantTags: query.tenantTags }),
  }
}

/** A query for workers. */
export function toWorkerQuery(spaceId: string, query: Filters<Static<typeof WorkerListQuery>>): WorkerQuery {
  return {
    ...sharedQuery(spaceId, query),
    ...(query.workerPoolIds && { workerPoolIds: query.workerPoolIds }),
  }
}
