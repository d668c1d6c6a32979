import type { App } from '../web/app-types.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { certificateRoutes } from './certificates.ts'
import { channelRoutes } from './channels.ts'
import { deploymentProcessRoutes } from './deployment-processes.ts'
import { deploymentRoutes } from './deployments.ts'
import { environmentRoutes } from './environments.ts'
import { feedRoutes } from './feeds.ts'
import { lifecycleRoutes } from './lifecycles.ts'
import { machinePolicyRoutes } from './machine-policies.ts'
import { machineRoutes } from './machines.ts'
import { packageRoutes } from './packages.ts'
import type { HttpParts } from './parts.ts'
import { projectGroupRoutes } from './project-groups.ts'
import { projectRoutes } from './projects.ts'
import { proxyRoutes } from './proxies.ts'
import { releaseRoutes } from './releases.ts'
import { rootRoutes } from './root.ts'
import { signInRoutes } from './sign-in.ts'
import { spaceRoutes } from './spaces.ts'
import { tagSetRoutes } from './tag-sets.ts'
import { taskEventRoutes } from './task-events.ts'
import { taskRoutes } from './tasks.ts'
import { tenantRoutes } from './tenants.ts'
import { userRoutes } from './users.ts'
import { variableRoutes } from './variables.ts'
import { workerPoolRoutes } from './worker-pools.ts'
import { workerRoutes } from './workers.ts'

/** Every resource of the REST API. */
const resources: readonly ((app: App, parts: HttpParts) => void)[] = [
  rootRoutes,
  signInRoutes,
  userRoutes,
  apiKeyRoutes,
  spaceRoutes,
  certificateRoutes,
  environmentRoutes,
  machineRoutes,
  workerRoutes,
  workerPoolRoutes,
  machinePolicyRoutes,
  proxyRoutes,
  tagSetRoutes,
  tenantRoutes,
  packageRoutes,
  feedRoutes,
  projectGroupRoutes,
  lifecycleRoutes,
  projectRoutes,
  channelRoutes,
  deploymentProcessRoutes,
  variableRoutes,
  releaseRoutes,
  deploymentRoutes,
  taskRoutes,
  taskEventRoutes,
]

/** Adds the REST API. */
export function addApiRoutes(app: App, parts: HttpParts): void {
  for (const add of resources) add(app, parts)
}
