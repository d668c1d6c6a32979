import type { Store } from '../db/store.ts'
import { defaultMachinePolicy } from '../model/machine-policy.ts'
import type { RetentionPeriod } from '../model/project.ts'
import type { Space } from '../model/space.ts'
import { slugOf } from './slug.ts'

export interface NewSpace {
  readonly name: string
  readonly description?: string
  readonly isDefault: boolean
  readonly managerTeams?: readonly string[]
  readonly managerUserIds: readonly string[]
}

/** Keeps everything. */
export const keepForever: RetentionPeriod = { strategy: 'Forever', unit: 'Items', quantityToKeep: 0 }

/**
 * Makes a space with what clients expect to find in a new one at once: a lifecycle without phases, a project group, the
 * built-in feed, a worker pool and a machine policy. Environments there are none.
 */
export async function createSpace(store: Store, draft: NewSpace, by: string | null): Promise<Space> {
  return store.transaction(async within => {
    const space = await within.spaces.insert(
      {
        name: draft.name,
        slug: slugOf(draft.name),
        description: draft.description ?? '',
        isDefault: draft.isDefault,
        taskQueueStopped: false,
        managerTeams: draft.managerTeams ?? [],
        managerUserIds: draft.managerUserIds,
      },
      { by },
    )
    const named = (name: string) => ({ spaceId: space.id, name, slug: slugOf(name), description: '' })
    await within.lifecycles.insert(
      {
        ...named('Default Lifecycle'),
        isDefault: true,
        phases: [],
        releaseRetentionPolicy: keepForever,
        tentacleRetentionPolicy: keepForever,
      },
      { by },
    )
    await within.projectGroups.insert(named('Default Project Group'), { by })
    await within.feeds.insert({ ...named('Built-in package repository'), feedType: 'BuiltIn' }, { by })
    await within.workerPools.insert(
      { ...named('Default Worker Pool'), isDefault: true, sortOrder: 0 },
      { by },
    )
    await within.machinePolicies.insert(
      { ...defaultMachinePolicy, ...named('Default Machine Policy'), isDefault: true },
      { by },
    )
    return space
  })
}
