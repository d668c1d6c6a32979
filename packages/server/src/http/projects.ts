import { Type } from 'typebox'
import { createProject } from '../catalog/create-project.ts'
import { deleteProject } from '../catalog/delete-project.ts'
import { ServerError } from '../errors.ts'
import type { Project } from '../model/project.ts'
import type { App } from '../web/app-types.ts'
import { ById, Nothing, QueryText } from '../web/schema.ts'
import { addReadRoutes } from './collection.ts'
import type { HttpParts } from './parts.ts'
import { ProjectInput, ProjectResource, readProject, toProjectResource } from './project-resource.ts'

/**
 * A project by id or slug. Not by its name: clients try what the user typed as an id first and look the name up
 * themselves when that is answered with 404.
 */
export async function requireProject(
  { store }: Pick<HttpParts, 'store'>,
  spaceId: string,
  text: string,
): Promise<Project> {
  const byId = await store.projects.get(text)
  const project = byId?.spaceId === spaceId ? byId : await store.projects.bySlug(spaceId, text)
  if (project !== undefined) return project
  throw new ServerError('ERR_NOT_FOUND', `There is no project with the id or slug '${text}' in this space.`)
}

/** `projects`: what is deployed. */
export function projectRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const base = '/api/:space/projects'
  addReadRoutes(app, {
    path: 'projects',
    itemType: 'Project',
    view: 'ProjectView',
    resource: ProjectResource,
    documents: store.projects,
    toResource: toProjectResource,
    require: (id, spaceId) => requireProject(parts, spaceId, id),
  })

  app.post(
    base,
    {
      config: { permission: 'ProjectCreate' },
      schema: {
        querystring: Type.Object({ clone: QueryText }),
        body: ProjectInput,
        response: { 201: ProjectResource },
      },
    },
    async ({ body, query, space, user }, reply) => {
      const cloneOf =
        query.clone === undefined ? undefined : await requireProject(parts, space.id, query.clone)
      const contents = await readProject(store, space.id, body, {})
      const project = await createProject(store, contents, { by: user.username, ...(cloneOf && { cloneOf }) })
      void reply.status(201)
      return toProjectResource(project)
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'ProjectEdit' },
      schema: { params: ById, body: ProjectInput, response: { 200: ProjectResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await requireProject(parts, space.id, params.id)
      const after = await readProject(store, space.id, body, before)
      return toProjectResource(await store.projects.update({ ...before, ...after }, user.username))
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'ProjectDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      await deleteProject(store, await requireProject(parts, space.id, params.id))
      return {}
    },
  )
}
