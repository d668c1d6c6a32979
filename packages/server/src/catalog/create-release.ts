import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { Channel, Project } from '../model/project.ts'
import type { Release } from '../model/release.ts'
import { isVersion } from '../packages/package-name.ts'
import { selectPackages, type VersionWishes } from './package-selection.ts'
import { nextReleaseVersion } from './release-version.ts'
import { freezeProcess, freezeVariables } from './snapshots.ts'

/** What a release is to be. */
export interface NewRelease extends VersionWishes {
  readonly project: Project
  readonly channel: Channel
  /** Null: by the project's template. */
  readonly version: string | null
  readonly releaseNotes: string | null
  /** True: an existing release of the version is given instead of an error. */
  readonly ignoreIfExists: boolean
  readonly by: string
}

/** Freezes the project's process, variables and package versions under a version. */
export async function createRelease(store: Store, wanted: NewRelease): Promise<Release> {
  const { project, channel, by } = wanted
  return store.transaction(async within => {
    if (project.isDisabled) {
      const message = `The project '${project.name}' is disabled.`
      throw new ServerError('ERR_INVALID_INPUT', message, { problems: [message] })
    }
    const problems: string[] = []
    const process = await within.deploymentProcesses.require(project.deploymentProcessId)
    const selectedPackages = await selectPackages(within, channel, process, wanted, problems)
    const { template, donorPackage } = project.versioningStrategy
    const donor = selectedPackages.find(
      item =>
        item.actionName === donorPackage?.deploymentAction &&
        item.packageReferenceName === donorPackage.packageReference,
    )
    const { items: releases } = await within.releases.ofProject(project.id)
    const version =
      wanted.version ?? donor?.version ?? nextReleaseVersion(template, releases, channel, within.now())
    if (!isVersion(version)) problems.push(`'${version}' is not a version such as 1.2.3 or 1.2.3-rc.1.`)
    const existing = await within.releases.byVersion(project.id, version)
    if (existing !== undefined && wanted.ignoreIfExists) return existing
    if (existing !== undefined)
      problems.push(`The project '${project.name}' has a release ${version} already.`)
    if (problems.length > 0) {
      throw new ServerError('ERR_INVALID_INPUT', 'The release cannot be created.', { problems })
    }
    const draft = {
      spaceId: project.spaceId,
      projectId: project.id,
      channelId: channel.id,
      version,
      releaseNotes: wanted.releaseNotes,
      assembled: within.now().toISOString(),
      selectedPackages,
      processSnapshotId: await freezeProcess(within, project),
      variableSetSnapshotId: await freezeVariables(within, project),
      ignoreChannelRules: wanted.ignoreChannelRules,
    }
    return within.releases.insert(draft, { by })
  })
}

/** The project's channel by name, slug or id; without a text the default one. Throws `ERR_NOT_FOUND`. */
export async function findChannel(store: Store, project: Project, text: string | null): Promise<Channel> {
  const channels = await store.channels.ofProject(project.id)
  const wanted = text?.toLowerCase()
  const channel =
    wanted === undefined
      ? channels.find(each => each.isDefault)
      : channels.find(each => [each.id, each.name, each.slug].some(name => name.toLowerCase() === wanted))
  if (channel !== undefined) return channel
  throw new ServerError(
    'ERR_NOT_FOUND',
    wanted === undefined
      ? `The project '${project.name}' has no default channel.`
      : `The project '${project.name}' has no channel '${text}'.`,
  )
}

/** A project by id, slug or name. Throws `ERR_NOT_FOUND`. */
export async function findProject(store: Store, spaceId: string, text: string): Promise<Project> {
  const byId = await store.projects.get(text)
  if (byId?.spaceId === spaceId) return byId
  const project = (await store.projects.bySlug(spaceId, text)) ?? (await store.projects.byName(spaceId, text))
  if (project !== undefined) return project
  throw new ServerError('ERR_NOT_FOUND', `There is no project '${text}' in this space.`)
}
