import type { Deployment } from '../api/projects.ts'

/** The newest deployment of each project in each environment. */
export interface LatestDeployments {
  at(projectId: string, environmentId: string): Deployment | undefined
  readonly all: readonly Deployment[]
}

/** Picks them from a list that need not be in order. */
export function findLatestDeployments(deployments: readonly Deployment[]): LatestDeployments {
  const newest = new Map<string, Deployment>()
  for (const deployment of deployments) {
    const place = placeOf(deployment.projectId, deployment.environmentId)
    const known = newest.get(place)
    if (!known || isNewer(deployment, known)) newest.set(place, deployment)
  }
  return {
    at: (projectId, environmentId) => newest.get(placeOf(projectId, environmentId)),
    all: [...newest.values()],
  }
}

function isNewer(one: Deployment, other: Deployment): boolean {
  return (one.created ?? 0) > (other.created ?? 0)
}

function placeOf(projectId: string, environmentId: string): string {
  return `${projectId} ${environmentId}`
}
