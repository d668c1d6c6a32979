import { type Static, Type } from 'typebox'
import { activeTaskStates } from '../catalog/active-tasks.ts'
import { createDeployment } from '../catalog/create-deployment.ts'
import { openEnvironments } from '../catalog/lifecycle-progress.ts'
import type { DeploymentQuery } from '../db/release-repository.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Links, Maybe, Nothing, PageOf, pageQuery, QueryList } from '../web/schema.ts'
import { parseInstant } from '../web/wire-time.ts'
import { deploymentCommandRoutes } from './deployment-commands.ts'
import { DeploymentResource, toDeploymentResource } from './deployment-resource.ts'
import { checkIds, collectProblems, inUse } from './input-checks.ts'
import type { HttpParts } from './parts.ts'

const DeploymentListQuery = Type.Object({
  ...pageQuery,
  projects: QueryList,
  environments: QueryList,
  tenants: QueryList,
  channels: QueryList,
  releases: QueryList,
})

const DeploymentInput = Type.Object({
  ReleaseId: Maybe(Type.String()),
  EnvironmentId: Maybe(Type.String()),
  TenantId: Maybe(Type.String()),
  Comments: Maybe(Type.String()),
  SkipActions: Maybe(Type.Array(Type.String())),
  SpecificMachineIds: Maybe(Type.Array(Type.String())),
  ExcludedMachineIds: Maybe(Type.Array(Type.String())),
  ForcePackageDownload: Maybe(Type.Boolean()),
  ForcePackageRedeployment: Maybe(Type.Boolean()),
  UseGuidedFailure: Maybe(Type.Boolean()),
  FormValues: Maybe(Type.Record(Type.String(), Type.Unknown())),
  QueueTime: Maybe(Type.String()),
  QueueTimeExpiry: Maybe(Type.String()),
})

const TemplateResource = Type.Object({
  PromoteTo: Type.Array(Type.Object({ Id: Type.String(), Name: Type.String(), Links })),
  TenantPromotions: Type.Array(Type.Unknown()),
  IsDeploymentProcessModified: Type.Boolean(),
  IsVariableSetModified: Type.Boolean(),
  IsLibraryVariableSetModified: Type.Boolean(),
  DeploymentNotes: Type.String(),
  Links,
})

function toQuery(spaceId: string, query: Static<typeof DeploymentListQuery>): DeploymentQuery {
  return {
    spaceId,
    ...(query.ids && { ids: query.ids }),
    ...(query.partialName && { partialName: query.partialName }),
    ...(query.projects && { projects: query.projects }),
    ...(query.environments && { environments: query.environments }),
    ...(query.tenants && { tenants: query.tenants }),
    ...(query.channels && { channels: query.channels }),
    ...(query.releases && { releases: query.releases }),
  }
}

/** `deployments`: releases on their way to environments. */
export function deploymentRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const { deployments } = store
  const base = '/api/:space/deployments'
  const view = { permission: 'DeploymentView' } as const
  deploymentCommandRoutes(app, parts)

  app.get(
    base,
    {
      config: view,
      schema: { querystring: DeploymentListQuery, response: { 200: PageOf(DeploymentResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const found = await deployments.find({ ...toQuery(request.space.id, request.query), ...page })
      return toPage(request, 'Deployment', found, page, toDeploymentResource)
    },
  )
  app.get(
    `${base}/:id`,
    { config: view, schema: { params: ById, response: { 200: DeploymentResource } } },
    async request => toDeploymentResource(await deployments.require(request.params.id, request.space.id)),
  )
  app.get(
    '/api/:space/releases/:id/deployments',
    {
      config: view,
      schema: {
        params: ById,
        querystring: DeploymentListQuery,
        response: { 200: PageOf(DeploymentResource) },
      },
    },
    async request => {
      const page = pageOf(request.query)
      const release = await store.releases.require(request.params.id, request.space.id)
      const query = { ...toQuery(request.space.id, request.query), releases: [release.id] }
      return toPage(
        request,
        'Deployment',
        await deployments.find({ ...query, ...page }),
        page,
        toDeploymentResource,
      )
    },
  )

  // What the form for a new deployment starts with.
  app.get(
    '/api/:space/releases/:id/deployments/template',
    { config: view, schema: { params: ById, response: { 200: TemplateResource } } },
    async ({ params, space }) => {
      const release = await store.releases.require(params.id, space.id)
      const project = await store.projects.require(release.projectId)
      const open = await openEnvironments(store, release)
      const process = await store.deploymentProcesses.require(project.deploymentProcessId)
      const variables = await store.variableSets.require(project.variableSetId)
      return {
        PromoteTo: (await store.environments.list({ spaceId: space.id, ids: open })).items.map(
          environment => ({
            Id: environment.id,
            Name: environment.name,
            Links: {},
          }),
        ),
        TenantPromotions: [],
        IsDeploymentProcessModified: release.processSnapshotId !== `${process.id}-s-${process.revision}`,
        IsVariableSetModified: release.variableSetSnapshotId !== `${variables.id}-s-${variables.revision}`,
        IsLibraryVariableSetModified: false,
        DeploymentNotes: release.releaseNotes ?? '',
        Links: { Self: `/api/${space.id}/releases/${release.id}/deployments/template` },
      }
    },
  )

  app.post(
    base,
    {
      config: { permission: 'DeploymentCreate' },
      schema: { body: DeploymentInput, response: { 201: DeploymentResource } },
    },
    async ({ body, space, user }, reply) => {
      const problems = collectProblems()
      const release = await store.releases.require(
        body.ReleaseId ?? problems.refuse('ReleaseId is required.'),
        space.id,
      )
      const environmentId = body.EnvironmentId ?? problems.refuse('EnvironmentId is required.')
      const environment = await store.environments.require(environmentId, space.id)
      const tenant = body.TenantId ? await store.tenants.require(body.TenantId, space.id) : null
      const machines = (ids: readonly string[] | null | undefined) =>
        checkIds(store.machines, space.id, ids ?? [], 'deployment target', problems)
      const specificMachineIds = await machines(body.SpecificMachineIds)
      const excludedMachineIds = await machines(body.ExcludedMachineIds)
      problems.throwIfAny()
      const deployment = await createDeployment(parts, {
        release,
        environment,
        tenant,
        user,
        comments: body.Comments ?? '',
        skipActions: body.SkipActions ?? [],
        specificMachineIds,
        excludedMachineIds,
        forcePackageDownload: body.ForcePackageDownload ?? false,
        forcePackageRedeployment: body.ForcePackageRedeployment ?? false,
        useGuidedFailure: body.UseGuidedFailure ?? null,
        formValues: Object.fromEntries(
          Object.entries(body.FormValues ?? {}).flatMap(([name, value]) =>
            typeof value === 'string' ? [[name, value] as const] : [],
          ),
        ),
        queueTime: parseInstant(body.QueueTime, 'QueueTime'),
        queueTimeExpiry: parseInstant(body.QueueTimeExpiry, 'QueueTimeExpiry'),
      })
      void reply.status(201)
      return toDeploymentResource(deployment)
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'DeploymentDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const deployment = await deployments.require(params.id, space.id)
      const active = await store.tasks.list({ ids: [deployment.taskId], states: activeTaskStates, take: 0 })
      if (active.total > 0) throw inUse('The deployment is not finished. Cancel its task first.')
      await deployments.delete(deployment.id)
      return {}
    },
  )
}
