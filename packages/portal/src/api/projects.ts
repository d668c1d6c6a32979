import type { ApiClient } from './client.ts'
import { asObject, type Json, list, moment, page, text } from './read.ts'

/** A piece of software with its process and its releases. */
export interface Project {
  readonly id: string
  readonly name: string
}

/** A numbered version of a project with the packages it consists of. */
export interface Release {
  readonly id: string
  readonly version: string
}

/** A release on its way to, or in, one environment. */
export interface Deployment {
  readonly id: string
  readonly projectId: string
  readonly environmentId: string
  readonly releaseId: string
  readonly taskId: string
  readonly created: number | undefined
}

export async function listProjects(
  api: ApiClient,
  space: string,
  signal?: AbortSignal,
): Promise<readonly Project[]> {
  return list(await api.get(`api/${space}/projects/all`, signal), project => ({
    id: text(project, 'Id'),
    name: text(project, 'Name'),
  }))
}

/** The newest deployments of all projects, newest first. */
export async function listDeployments(
  api: ApiClient,
  space: string,
  take: number,
  signal?: AbortSignal,
): Promise<readonly Deployment[]> {
  return page(await api.get(`api/${space}/deployments?take=${take}`, signal), readDeployment).items
}

export async function getDeployment(
  api: ApiClient,
  space: string,
  id: string,
  signal?: AbortSignal,
): Promise<Deployment> {
  return readDeployment(asObject(await api.get(`api/${space}/deployments/${encodeURIComponent(id)}`, signal)))
}

export async function getReleases(
  api: ApiClient,
  space: string,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<readonly Release[]> {
  if (ids.length === 0) return []
  const query = new URLSearchParams({ ids: ids.join(','), take: String(ids.length) })
  const answer = await api.get(`api/${space}/releases?${query}`, signal)
  return page(answer, release => ({ id: text(release, 'Id'), version: text(release, 'Version') })).items
}

function readDeployment(deployment: Json): Deployment {
  return {
    id: text(deployment, 'Id'),
    projectId: text(deployment, 'ProjectId'),
    environmentId: text(deployment, 'EnvironmentId'),
    releaseId: text(deployment, 'ReleaseId'),
    taskId: text(deployment, 'TaskId'),
    created: moment(deployment, 'Created'),
  }
}
