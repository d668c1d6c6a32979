import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { activeTaskStates } from '../catalog/active-tasks.ts'
import { createRelease, findChannel, findProject } from '../catalog/create-release.ts'
import { parsePackageOverride } from '../catalog/package-selection.ts'
import { freezeVariables } from '../catalog/snapshots.ts'
import { ServerError } from '../errors.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Maybe, Nothing, PageOf, pageQuery, QueryFlag, QueryText } from '../web/schema.ts'
import { addReadRoutes } from './collection.ts'
import { collectProblems, inUse, invalid } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { requireProject } from './projects.ts'
import { ReleaseResource, toReleaseResource } from './release-resource.ts'

const ReleaseInput = Type.Object({
  ProjectId: Maybe(Type.String()),
  ChannelId: Maybe(Type.String()),
  Version: Maybe(Type.String()),
  ReleaseNotes: Maybe(Type.String()),
  SelectedPackages: Maybe(
    Type.Array(
      Type.Object({
        ActionName: Maybe(Type.String()),
        StepName: Maybe(Type.String()),
        PackageReferenceName: Maybe(Type.String()),
        Version: Maybe(Type.String()),
      }),
    ),
  ),
})

/** The command form: names instead of ids. */
const CreateReleaseInput = Type.Object({
  ProjectName: Maybe(Type.String()),
  PackageVersion: Maybe(Type.String()),
  ReleaseVersion: Maybe(Type.String()),
  ChannelName: Maybe(Type.String()),
  Packages: Maybe(Type.Array(Type.String())),
  ReleaseNotes: Maybe(Type.String()),
  IgnoreIfAlreadyExists: Maybe(Type.Boolean()),
  IgnoreChannelRules: Maybe(Type.Boolean()),
})

const ReleaseListQuery = Type.Object({ ...pageQuery, searchByVersion: QueryText })
const ByVersion = Type.Object({ id: Type.String(), version: Type.String() })

function selectedOf(input: Static<typeof ReleaseInput>) {
  return (input.SelectedPackages ?? []).flatMap(item => {
    const actionName = item.ActionName || item.StepName
    return actionName && item.Version
      ? [{ actionName, packageReferenceName: item.PackageReferenceName ?? '', version: item.Version }]
      : []
  })
}

/** `releases`, also below projects and channels. */
export function releaseRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const { releases } = store
  const base = '/api/:space/releases'
  const view = { permission: 'ReleaseView' } as const
  const create = { permission: 'ReleaseCreate' } as const
  addReadRoutes(app, {
    path: 'releases',
    itemType: 'Release',
    view: 'ReleaseView',
    resource: ReleaseResource,
    documents: releases,
    toResource: toReleaseResource,
  })

  app.get(
    '/api/:space/projects/:id/releases',
    {
      config: view,
      schema: { params: ById, querystring: ReleaseListQuery, response: { 200: PageOf(ReleaseResource) } },
    },
    async request => {
      const { query, params, space } = request
      const page = pageOf(query)
      const project = await requireProject(parts, space.id, params.id)
      const search = query.searchByVersion ?? query.partialName
      const found = await releases.ofProject(project.id, {
        ...page,
        ...(query.ids && { ids: query.ids }),
        ...(search && { partialName: search }),
      })
      return toPage(request, 'Release', found, page, toReleaseResource)
    },
  )
  app.get(
    '/api/:space/projects/:id/releases/:version',
    { config: view, schema: { params: ByVersion, response: { 200: ReleaseResource } } },
    async ({ params, space }) => {
      const project = await requireProject(parts, space.id, params.id)
      const release = await releases.byVersion(project.id, params.version)
      if (release !== undefined) return toReleaseResource(release)
      throw new ServerError('ERR_NOT_FOUND', `'${project.name}' has no release ${params.version}.`)
    },
  )
  app.get(
    '/api/:space/channels/:id/releases',
    {
      config: view,
      schema: { params: ById, querystring: ReleaseListQuery, response: { 200: PageOf(ReleaseResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const channel = await store.channels.require(request.params.id, request.space.id)
      const search = request.query.searchByVersion
      const where = [sql`channel_id = ${channel.id}`]
      const found = await releases.list({ ...page, where, ...(search && { partialName: search }) })
      return toPage(request, 'Release', found, page, toReleaseResource)
    },
  )

  app.post(
    base,
    {
      config: create,
      schema: {
        querystring: Type.Object({ ignoreChannelRules: QueryFlag }),
        body: ReleaseInput,
        response: { 201: ReleaseResource },
      },
    },
    async ({ body, query, space, user }, reply) => {
      if (!body.ProjectId) throw invalid('ProjectId is required.')
      const project = await store.projects.require(body.ProjectId, space.id)
      const release = await createRelease(store, {
        project,
        channel: await findChannel(store, project, body.ChannelId || null),
        version: body.Version || null,
        releaseNotes: body.ReleaseNotes ?? null,
        defaultVersion: null,
        overrides: [],
        selected: selectedOf(body),
        ignoreChannelRules: query.ignoreChannelRules === true,
        ignoreIfExists: false,
        by: user.username,
      })
      void reply.status(201)
      return toReleaseResource(release)
    },
  )

  app.post(
    `${base}/create/v1`,
    {
      config: create,
      schema: {
        body: CreateReleaseInput,
        response: { 200: Type.Object({ ReleaseId: Type.String(), ReleaseVersion: Type.String() }) },
      },
    },
    async ({ body, space, user }) => {
      const problems = collectProblems()
      const overrides = (body.Packages ?? []).flatMap(text => {
        const override = parsePackageOverride(text)
        if (override === undefined)
          problems.add(`'${text}' is not a package version such as 'Step name:1.2.3'.`)
        return override ?? []
      })
      if (!body.ProjectName) problems.add('ProjectName is required.')
      problems.throwIfAny()
      const project = await findProject(store, space.id, body.ProjectName ?? '')
      const release = await createRelease(store, {
        project,
        channel: await findChannel(store, project, body.ChannelName || null),
        version: body.ReleaseVersion || null,
        releaseNotes: body.ReleaseNotes ?? null,
        defaultVersion: body.PackageVersion || null,
        overrides,
        selected: [],
        ignoreChannelRules: body.IgnoreChannelRules === true,
        ignoreIfExists: body.IgnoreIfAlreadyExists === true,
        by: user.username,
      })
      return { ReleaseId: release.id, ReleaseVersion: release.version }
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'ReleaseEdit' },
      schema: { params: ById, body: ReleaseInput, response: { 200: ReleaseResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await releases.require(params.id, space.id)
      // Versions of packages that the client leaves out stay; the rest of a release is frozen.
      const changed = new Map(
        selectedOf(body).map(item => [`${item.actionName}/${item.packageReferenceName}`, item.version]),
      )
      const after = {
        ...before,
        version: body.Version || before.version,
        releaseNotes: body.ReleaseNotes === undefined ? before.releaseNotes : body.ReleaseNotes,
        selectedPackages: before.selectedPackages.map(item => ({
          ...item,
          version: changed.get(`${item.actionName}/${item.packageReferenceName}`) ?? item.version,
        })),
      }
      return toReleaseResource(await releases.update(after, user.username))
    },
  )

  app.post(
    `${base}/:id/snapshot-variables`,
    {
      config: { permission: 'ReleaseEdit' },
      schema: { params: ById, response: { 200: ReleaseResource } },
    },
    async ({ params, space, user }) => {
      const release = await store.transaction(async within => {
        const before = await within.releases.require(params.id, space.id)
        const project = await within.projects.require(before.projectId)
        const variableSetSnapshotId = await freezeVariables(within, project)
        return within.releases.update({ ...before, variableSetSnapshotId }, user.username)
      })
      return toReleaseResource(release)
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'ReleaseDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      await store.transaction(async within => {
        const release = await within.releases.require(params.id, space.id)
        const { items } = await within.deployments.find({ releases: [release.id] })
        const ids = items.map(deployment => deployment.taskId)
        const active = await within.tasks.list({ ids, states: activeTaskStates, take: 0 })
        if (active.total > 0) throw inUse(`Release ${release.version} has deployments that are not finished.`)
        for (const deployment of items) await within.deployments.delete(deployment.id)
        await within.releases.delete(release.id)
      })
      return {}
    },
  )
}
