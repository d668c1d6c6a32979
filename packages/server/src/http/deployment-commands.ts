import { type Static, Type } from 'typebox'
import { actionsNamed, createDeployment, type DeploymentOptions } from '../catalog/create-deployment.ts'
import { findProject } from '../catalog/create-release.ts'
import { freezeVariables } from '../catalog/snapshots.ts'
import type { DocumentRepository } from '../db/document-repository.ts'
import { ServerError } from '../errors.ts'
import type { Named, SpaceDocument } from '../model/document.ts'
import type { Deployment, Release } from '../model/release.ts'
import type { Tenant } from '../model/tenant.ts'
import type { App } from '../web/app-types.ts'
import { Maybe } from '../web/schema.ts'
import { parseInstant } from '../web/wire-time.ts'
import { collectProblems, invalid } from './input-checks.ts'
import type { HttpParts } from './parts.ts'

const Texts = Maybe(Type.Array(Type.String()))

const shared = {
  ProjectName: Maybe(Type.String()),
  ReleaseVersion: Maybe(Type.String()),
  ForcePackageDownload: Maybe(Type.Boolean()),
  ForcePackageRedeployment: Maybe(Type.Boolean()),
  UpdateVariableSnapshot: Maybe(Type.Boolean()),
  SpecificMachineNames: Texts,
  ExcludedMachineNames: Texts,
  SkipStepNames: Texts,
  UseGuidedFailure: Maybe(Type.Boolean()),
  RunAt: Maybe(Type.String()),
  NoRunAfter: Maybe(Type.String()),
  Variables: Maybe(Type.Record(Type.String(), Type.Unknown())),
  Comments: Maybe(Type.String()),
}
const UntenantedInput = Type.Object({ ...shared, EnvironmentNames: Texts })
const TenantedInput = Type.Object({
  ...shared,
  EnvironmentName: Maybe(Type.String()),
  Tenants: Texts,
  TenantTags: Texts,
})

const Answer = Type.Object({
  DeploymentServerTasks: Type.Array(
    Type.Object({ DeploymentId: Type.String(), ServerTaskId: Type.String() }),
  ),
})

type SharedInput = Pick<Static<typeof UntenantedInput>, keyof typeof shared>

function toAnswer(deployments: readonly Deployment[]): Static<typeof Answer> {
  return {
    DeploymentServerTasks: deployments.map(({ id, taskId }) => ({ DeploymentId: id, ServerTaskId: taskId })),
  }
}

/** Finds each by name, slug or id. Throws `ERR_NOT_FOUND` naming those that there are not. */
async function findAll<T extends SpaceDocument & Named>(
  documents: DocumentRepository<T>,
  spaceId: string,
  texts: readonly string[],
  what: string,
): Promise<readonly T[]> {
  const { items } = await documents.list({ spaceId })
  const found = texts.map(text =>
    items.find(item =>
      [item.name, item.slug, item.id].some(name => name.toLowerCase() === text.trim().toLowerCase()),
    ),
  )
  const missing = texts.filter((_text, index) => found[index] === undefined)
  if (missing.length > 0) {
    throw new ServerError(
      'ERR_NOT_FOUND',
      `There is no ${what} ${missing.map(text => `'${text}'`).join(', ')} in this space.`,
    )
  }
  return [...new Set(found.flatMap(item => item ?? []))]
}

/** `deployments/create/…/v1`: deploys by names, to several environments or tenants at once. */
export function deploymentCommandRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const config = { permission: 'DeploymentCreate' } as const

  async function readRelease(spaceId: string, input: SharedInput, by: string): Promise<Release> {
    if (!input.ProjectName) throw invalid('ProjectName is required.')
    if (!input.ReleaseVersion) throw invalid('ReleaseVersion is required.')
    const project = await findProject(store, spaceId, input.ProjectName)
    const release = await store.releases.byVersion(project.id, input.ReleaseVersion)
    if (release === undefined) {
      throw new ServerError('ERR_NOT_FOUND', `'${project.name}' has no release ${input.ReleaseVersion}.`)
    }
    if (input.UpdateVariableSnapshot !== true) return release
    return store.transaction(async within => {
      const variableSetSnapshotId = await freezeVariables(within, project)
      return within.releases.update({ ...release, variableSetSnapshotId }, by)
    })
  }

  async function readOptions(release: Release, input: SharedInput): Promise<DeploymentOptions> {
    const problems: string[] = []
    const process = await store.deploymentProcesses.require(release.processSnapshotId)
    const machines = async (names: readonly string[] | null | undefined) =>
      (await findAll(store.machines, release.spaceId, names ?? [], 'deployment target')).map(
        machine => machine.id,
      )
    const options = {
      comments: input.Comments ?? '',
      skipActions: actionsNamed(process, input.SkipStepNames ?? [], problems),
      specificMachineIds: await machines(input.SpecificMachineNames),
      excludedMachineIds: await machines(input.ExcludedMachineNames),
      forcePackageDownload: input.ForcePackageDownload ?? false,
      forcePackageRedeployment: input.ForcePackageRedeployment ?? false,
      useGuidedFailure: input.UseGuidedFailure ?? null,
      formValues: Object.fromEntries(
        Object.entries(input.Variables ?? {}).flatMap(([name, value]) =>
          value === null || value === undefined ? [] : [[name, String(value)] as const],
        ),
      ),
      queueTime: parseInstant(input.RunAt, 'RunAt'),
      queueTimeExpiry: parseInstant(input.NoRunAfter, 'NoRunAfter'),
    }
    const collected = collectProblems()
    for (const problem of problems) collected.add(problem)
    collected.throwIfAny()
    return options
  }

  app.post(
    '/api/:space/deployments/create/untenanted/v1',
    { config, schema: { body: UntenantedInput, response: { 200: Answer } } },
    async ({ body, space, user }) => {
      const names = body.EnvironmentNames ?? []
      if (names.length === 0) throw invalid('EnvironmentNames needs at least one environment.')
      const release = await readRelease(space.id, body, user.username)
      const options = await readOptions(release, body)
      const environments = await findAll(store.environments, space.id, names, 'environment')
      // All or none: a refusal for the second environment must not leave a deployment to the first one.
      const deployments = await store.transaction(async within => {
        const made: Deployment[] = []
        for (const environment of environments) {
          const wanted = { ...options, release, environment, tenant: null, user }
          made.push(await createDeployment({ ...parts, store: within }, wanted))
        }
        return made
      })
      return toAnswer(deployments)
    },
  )

  /** The named tenants, and those that carry one of the tags and take part in the project there. */
  async function readTenants(
    input: Static<typeof TenantedInput>,
    release: Release,
    environmentId: string,
  ): Promise<readonly Tenant[]> {
    const named = await findAll(store.tenants, release.spaceId, input.Tenants ?? [], 'tenant')
    const tags = (input.TenantTags ?? []).map(tag => tag.toLowerCase())
    const tagged = (await store.tenants.list({ spaceId: release.spaceId })).items.filter(
      tenant =>
        tenant.tenantTags.some(tag => tags.includes(tag.toLowerCase())) &&
        tenant.projectEnvironments[release.projectId]?.includes(environmentId) === true,
    )
    return [...new Map([...named, ...tagged].map(tenant => [tenant.id, tenant])).values()]
  }

  app.post(
    '/api/:space/deployments/create/tenanted/v1',
    { config, schema: { body: TenantedInput, response: { 200: Answer } } },
    async ({ body, space, user }) => {
      if (!body.EnvironmentName) throw invalid('EnvironmentName is required.')
      const release = await readRelease(space.id, body, user.username)
      const options = await readOptions(release, body)
      const [environment] = await findAll(store.environments, space.id, [body.EnvironmentName], 'environment')
      if (environment === undefined) throw invalid('EnvironmentName is required.')
      const tenants = await readTenants(body, release, environment.id)
      if (tenants.length === 0)
        throw invalid('No tenant is meant: give Tenants, or TenantTags that tenants of the project have.')
      const deployments = await store.transaction(async within => {
        const made: Deployment[] = []
        for (const tenant of tenants) {
          const wanted = { ...options, release, environment, tenant, user }
          made.push(await createDeployment({ ...parts, store: within }, wanted))
        }
        return made
      })
      return toAnswer(deployments)
    },
  )
}
