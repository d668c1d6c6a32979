import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { ProjectGroup } from '../model/project.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Maybe, NamedResource, Nothing, namedPageQuery, PageOf } from '../web/schema.ts'
import { addReadRoutes, listQuery, namedHeadOf } from './collection.ts'
import { checkName, collectProblems, inUse } from './input-checks.ts'
import { ProjectResource, toProjectResource } from './project-resource.ts'

const GroupResource = NamedResource({ Description: Type.String(), EnvironmentIds: Type.Array(Type.String()) })
const GroupInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
})

function toResource(group: ProjectGroup): Static<typeof GroupResource> {
  const self = `/api/${group.spaceId}/projectgroups/${group.id}`
  return {
    ...namedHeadOf(group, self, { Projects: `${self}/projects{?skip,take}` }),
    Description: group.description,
    EnvironmentIds: [],
  }
}

function contents(input: Static<typeof GroupInput>, before: Partial<ProjectGroup>) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a project group', problems)
  problems.throwIfAny()
  return {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
  }
}

/** `projectgroups`: the drawers of the project list. */
export function projectGroupRoutes(app: App, { store }: { readonly store: Store }): void {
  const { projectGroups, projects } = store
  const base = '/api/:space/projectgroups'
  addReadRoutes(app, {
    path: 'projectgroups',
    itemType: 'ProjectGroup',
    view: 'ProjectGroupView',
    resource: GroupResource,
    documents: projectGroups,
    toResource,
  })

  app.get(
    `${base}/:id/projects`,
    {
      config: { permission: 'ProjectView' },
      schema: {
        params: ById,
        querystring: Type.Object(namedPageQuery),
        response: { 200: PageOf(ProjectResource) },
      },
    },
    async request => {
      const page = pageOf(request.query)
      const group = await projectGroups.require(request.params.id, request.space.id)
      const where = [sql`project_group_id = ${group.id}`]
      const found = await projects.list({ ...listQuery(request.space.id, request.query), ...page, where })
      return toPage(request, 'Project', found, page, toProjectResource)
    },
  )

  app.post(
    base,
    {
      config: { permission: 'ProjectGroupCreate' },
      schema: { body: GroupInput, response: { 201: GroupResource } },
    },
    async ({ body, space, user }, reply) => {
      void reply.status(201)
      return toResource(
        await projectGroups.insert({ spaceId: space.id, ...contents(body, {}) }, { by: user.username }),
      )
    },
  )
  app.put(
    `${base}/:id`,
    {
      config: { permission: 'ProjectGroupEdit' },
      schema: { params: ById, body: GroupInput, response: { 200: GroupResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await projectGroups.require(params.id, space.id)
      return toResource(await projectGroups.update({ ...before, ...contents(body, before) }, user.username))
    },
  )
  app.delete(
    `${base}/:id`,
    { config: { permission: 'ProjectGroupDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const group = await projectGroups.require(params.id, space.id)
      const total = await projects.count({ where: [sql`project_group_id = ${group.id}`] })
      if (total > 0) throw inUse(`'${group.name}' has ${total} project(s). Move or delete them first.`)
      await projectGroups.delete(group.id)
      return {}
    },
  )
}
