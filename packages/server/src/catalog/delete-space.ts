import type { DocumentRepository } from '../db/document-repository.ts'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { SpaceDocument } from '../model/document.ts'
import type { Space } from '../model/space.ts'
import type { PackageStore } from '../packages/package-store.ts'
import { activeTaskStates } from './active-tasks.ts'

/** Parts that deleting a space needs. */
export interface DeleteSpaceParts {
  readonly store: Store
  readonly packages: PackageStore
}

async function deleteAll<T extends SpaceDocument>(
  documents: DocumentRepository<T>,
  spaceId: string,
): Promise<readonly T[]> {
  const { items } = await documents.list({ spaceId })
  for (const item of items) await documents.delete(item.id)
  return items
}

/** Deletes a space and everything in it. Throws `ERR_CONFLICT` while tasks of it are not finished. */
export async function deleteSpace({ store, packages }: DeleteSpaceParts, space: Space): Promise<void> {
  const { total: active } = await store.tasks.list({
    spaceIds: [space.id],
    states: activeTaskStates,
    take: 0,
  })
  if (active > 0) {
    const message = `'${space.name}' has ${active} task(s) that are not finished. Cancel them, or wait until they are.`
    throw new ServerError('ERR_CONFLICT', message, { problems: [message] })
  }
  const files = await store.transaction(async within => {
    const removed = await deleteAll(within.packages, space.id)
    await deleteAll(within.deployments, space.id)
    await deleteAll(within.releases, space.id)
    await deleteAll(within.channels, space.id)
    await deleteAll(within.deploymentProcesses, space.id)
    await deleteAll(within.variableSets, space.id)
    await deleteAll(within.projects, space.id)
    await deleteAll(within.projectGroups, space.id)
    await deleteAll(within.lifecycles, space.id)
    await deleteAll(within.feeds, space.id)
    await deleteAll(within.machines, space.id)
    await deleteAll(within.workers, space.id)
    await deleteAll(within.workerPools, space.id)
    await deleteAll(within.machinePolicies, space.id)
    await deleteAll(within.proxies, space.id)
    await deleteAll(within.tenants, space.id)
    await deleteAll(within.tagSets, space.id)
    await deleteAll(within.environments, space.id)
    await within.spaces.delete(space.id)
    return removed
  })
  // After the transaction: a file without an entry is cleaned up at the next start, an entry without a file is an error.
  for (const item of files) await packages.removeFile(item)
}
