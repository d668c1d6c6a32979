import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { findChannel } from '../catalog/create-release.ts'
import { neededPackages } from '../catalog/package-selection.ts'
import { nextReleaseVersion } from '../catalog/release-version.ts'
import { ServerError } from '../errors.ts'
import type { DeploymentProcess } from '../model/deployment-process.ts'
import type { App } from '../web/app-types.ts'
import { ById, Links, Nullable, QueryText } from '../web/schema.ts'
import { addReadRoutes } from './collection.ts'
import { collectProblems } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { ProcessInput, ProcessResource, readSteps, toProcessResource } from './process-resource.ts'
import { requireProject } from './projects.ts'

const TemplateResource = Type.Object({
  DeploymentProcessId: Type.String(),
  LastReleaseVersion: Nullable(Type.String()),
  NextVersionIncrement: Nullable(Type.String()),
  VersioningPackageStepName: Nullable(Type.String()),
  VersioningPackageReferenceName: Nullable(Type.String()),
  Packages: Type.Array(
    Type.Object({
      ActionName: Type.String(),
      StepName: Type.String(),
      PackageId: Type.String(),
      PackageReferenceName: Type.String(),
      FeedId: Type.String(),
      FeedName: Type.String(),
      VersionSelectedLastRelease: Nullable(Type.String()),
      IsResolvable: Type.Boolean(),
      ProjectName: Type.String(),
    }),
  ),
  GitResources: Type.Array(Type.Unknown()),
  Links,
})

/** `deploymentprocesses` and `projects/{id}/deploymentprocesses`: the steps of projects. */
export function deploymentProcessRoutes(app: App, parts: HttpParts): void {
  const { store, vault } = parts
  const { deploymentProcesses } = store
  const base = '/api/:space/deploymentprocesses/:id'
  const ofProject = '/api/:space/projects/:id/deploymentprocesses'
  const view = { permission: 'ProcessView' } as const
  const edit = { permission: 'ProcessEdit' } as const

  addReadRoutes(app, {
    path: 'deploymentprocesses',
    itemType: 'DeploymentProcess',
    view: 'ProcessView',
    resource: ProcessResource,
    documents: deploymentProcesses,
    toResource: toProcessResource,
    // The copies that releases keep are found by their ids only.
    find: query =>
      deploymentProcesses.list(
        query.ids === undefined ? { ...query, where: [sql`doc.json ->> '$.isFrozen' = 0`] } : query,
      ),
  })

  async function processOfProject(spaceId: string, text: string): Promise<DeploymentProcess> {
    return deploymentProcesses.require((await requireProject(parts, spaceId, text)).deploymentProcessId)
  }

  async function write(before: DeploymentProcess, input: Static<typeof ProcessInput>, by: string) {
    if (before.isFrozen) {
      throw new ServerError(
        'ERR_CONFLICT',
        'This process belongs to a release and cannot be changed. Change that of the project.',
      )
    }
    if (input.Version != null && input.Version !== before.revision - 1) {
      throw new ServerError(
        'ERR_REVISION',
        `The process was changed by ${before.lastModifiedBy ?? 'somebody'} in the meantime (it has version ${before.revision - 1} now, you sent ` +
          `${input.Version}). Read it again and repeat your change.`,
      )
    }
    const problems = collectProblems()
    // Missing steps would delete all that there are.
    const steps = readSteps(input.Steps ?? problems.refuse('Steps is required.'), { before, vault, problems })
    problems.throwIfAny()
    return toProcessResource(await deploymentProcesses.update({ ...before, steps }, by))
  }

  app.get(
    ofProject,
    { config: view, schema: { params: ById, response: { 200: ProcessResource } } },
    async ({ params, space }) => toProcessResource(await processOfProject(space.id, params.id)),
  )
  app.put(
    base,
    { config: edit, schema: { params: ById, body: ProcessInput, response: { 200: ProcessResource } } },
    async ({ params, body, space, user }) =>
      write(await deploymentProcesses.require(params.id, space.id), body, user.username),
  )
  app.put(
    ofProject,
    { config: edit, schema: { params: ById, body: ProcessInput, response: { 200: ProcessResource } } },
    async ({ params, body, space, user }) =>
      write(await processOfProject(space.id, params.id), body, user.username),
  )

  // What the form for a new release starts with.
  app.get(
    `${base}/template`,
    {
      config: view,
      schema: {
        params: ById,
        querystring: Type.Object({ channel: QueryText, releaseId: QueryText }),
        response: { 200: TemplateResource },
      },
    },
    async ({ params, query, space }) => {
      const process = await deploymentProcesses.require(params.id, space.id)
      const project = await store.projects.require(process.projectId)
      const channel = await findChannel(store, project, query.channel ?? null)
      const { items: releases } = await store.releases.ofProject(project.id)
      const last = releases[0]
      const feedNames = new Map(
        (await store.feeds.list({ spaceId: space.id })).items.map(feed => [feed.id, feed.name]),
      )
      const { template, donorPackage } = project.versioningStrategy
      return {
        DeploymentProcessId: process.id,
        LastReleaseVersion: last?.version ?? null,
        NextVersionIncrement:
          donorPackage === null ? nextReleaseVersion(template, releases, channel, store.now()) : null,
        VersioningPackageStepName: donorPackage?.deploymentAction ?? null,
        VersioningPackageReferenceName: donorPackage?.packageReference ?? null,
        Packages: neededPackages(process, channel).map(({ stepName, action, reference }) => ({
          ActionName: action.name,
          StepName: stepName,
          PackageId: reference.packageId,
          PackageReferenceName: reference.name,
          FeedId: reference.feedId,
          FeedName: feedNames.get(reference.feedId) ?? '',
          VersionSelectedLastRelease:
            last?.selectedPackages.find(
              item => item.actionName === action.name && item.packageReferenceName === reference.name,
            )?.version ?? null,
          IsResolvable: !reference.packageId.includes('#{') && !reference.feedId.includes('#{'),
          ProjectName: project.name,
        })),
        GitResources: [],
        Links: { Self: `/api/${space.id}/deploymentprocesses/${process.id}/template` },
      }
    },
  )
}
