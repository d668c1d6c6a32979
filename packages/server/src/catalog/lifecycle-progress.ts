import type { Store } from '../db/store.ts'
import type { Lifecycle, Phase } from '../model/project.ts'
import type { Release } from '../model/release.ts'

function environmentsOf(phase: Phase): readonly string[] {
  return [...phase.automaticDeploymentTargets, ...phase.optionalDeploymentTargets]
}

/** The lifecycle that holds for a release: its channel's, else its project's. */
export async function lifecycleOf(store: Store, release: Release): Promise<Lifecycle | undefined> {
  const channel = await store.channels.get(release.channelId)
  const project = await store.projects.get(release.projectId)
  const id = channel?.lifecycleId ?? project?.lifecycleId
  return id === undefined ? undefined : store.lifecycles.get(id)
}

/** Ids of the environments to which the release was deployed with success. */
async function deployedEnvironments(store: Store, release: Release): Promise<ReadonlySet<string>> {
  const { items } = await store.deployments.find({ releases: [release.id] })
  const taskIds = items.map(deployment => deployment.taskId)
  const succeeded = new Set(
    (await store.tasks.list({ ids: taskIds, states: ['Success'] })).items.map(task => task.id),
  )
  return new Set(
    items.filter(({ taskId }) => succeeded.has(taskId)).map(({ environmentId }) => environmentId),
  )
}

/**
 * The environments to which the release may be deployed now: all of them without phases, else those of every phase up
 * to and with the first one that is neither optional nor finished.
 */
export async function openEnvironments(store: Store, release: Release): Promise<readonly string[]> {
  const lifecycle = await lifecycleOf(store, release)
  const all = (await store.environments.list({ spaceId: release.spaceId })).items.map(
    environment => environment.id,
  )
  if (lifecycle === undefined || lifecycle.phases.length === 0) return all
  const deployed = await deployedEnvironments(store, release)
  const open = new Set<string>()
  for (const phase of lifecycle.phases) {
    // A phase that names no environment stands for those that no other phase names.
    const named = new Set(lifecycle.phases.flatMap(environmentsOf))
    const own = environmentsOf(phase)
    const inPhase = own.length > 0 ? own : all.filter(id => !named.has(id))
    for (const id of inPhase) open.add(id)
    const done = inPhase.filter(id => deployed.has(id)).length
    const wanted = phase.minimumEnvironmentsBeforePromotion || inPhase.length
    if (!phase.isOptionalPhase && done < Math.min(wanted, inPhase.length)) break
  }
  return all.filter(id => open.has(id))
}
