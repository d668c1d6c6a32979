import { type Static, Type } from 'typebox'
import { createSpace } from '../catalog/create-space.ts'
import { deleteSpace } from '../catalog/delete-space.ts'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { Space } from '../model/space.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Maybe, Nothing, namedPageQuery, PageOf } from '../web/schema.ts'
import { checkName, collectProblems, invalid, type Problems } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { SpaceResource, toSpaceResource } from './space-resource.ts'

const SpaceInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  IsDefault: Maybe(Type.Boolean()),
  TaskQueueStopped: Maybe(Type.Boolean()),
  SpaceManagersTeams: Maybe(Type.Array(Type.String())),
  SpaceManagersTeamMembers: Maybe(Type.Array(Type.String())),
})

const SpaceListQuery = Type.Object(namedPageQuery)

async function readManagers(
  store: Store,
  input: Static<typeof SpaceInput>,
  before: Pick<Space, 'managerTeams' | 'managerUserIds'>,
  problems: Problems,
) {
  const managerTeams = input.SpaceManagersTeams ?? before.managerTeams
  const wanted = input.SpaceManagersTeamMembers ?? before.managerUserIds
  const known = (await store.users.getMany(wanted)).map(user => user.id)
  const missing = wanted.filter(id => !known.some(each => each.toLowerCase() === id.toLowerCase()))
  if (missing.length > 0) problems.add(`There is no user ${missing.map(id => `'${id}'`).join(', ')}.`)
  if (managerTeams.length + wanted.length === 0)
    problems.add('A space needs at least one manager: a team or a user.')
  return { managerTeams, managerUserIds: known }
}

/** There is at most one default space; another one that becomes it takes it over. */
async function takeOverDefault(within: Store, space: Space): Promise<void> {
  if (!space.isDefault) return
  for (const other of (await within.spaces.list()).items) {
    if (other.isDefault && other.id !== space.id) await within.spaces.update({ ...other, isDefault: false })
  }
}

/** `spaces`: the fenced parts of the server. */
export function spaceRoutes(app: App, { store, packages, agents }: HttpParts): void {
  const { spaces } = store
  const view = { permission: 'signed-in' } as const

  const find = async (query: Static<typeof SpaceListQuery>, page: { skip?: number; take?: number }) =>
    spaces.list({
      ...page,
      ...(query.ids && { ids: query.ids }),
      ...(query.name && { name: query.name }),
      ...(query.partialName && { partialName: query.partialName }),
    })

  /** By id, or by slug: people type it into addresses. */
  async function requireSpace(text: string): Promise<Space> {
    const bySlug = (await spaces.list()).items.find(space => space.slug === text.toLowerCase())
    return bySlug ?? spaces.require(text)
  }

  app.get(
    '/api/spaces',
    { config: view, schema: { querystring: SpaceListQuery, response: { 200: PageOf(SpaceResource) } } },
    async request => {
      const page = pageOf(request.query)
      return toPage(request, 'Space', await find(request.query, page), page, toSpaceResource)
    },
  )
  app.get(
    '/api/spaces/all',
    { config: view, schema: { querystring: SpaceListQuery, response: { 200: Type.Array(SpaceResource) } } },
    async ({ query }) => (await find(query, {})).items.map(toSpaceResource),
  )
  app.get(
    '/api/spaces/:id',
    { config: view, schema: { params: ById, response: { 200: SpaceResource } } },
    async ({ params }) => toSpaceResource(await requireSpace(params.id)),
  )

  app.post(
    '/api/spaces',
    { config: { permission: 'SpaceCreate' }, schema: { body: SpaceInput, response: { 201: SpaceResource } } },
    async ({ body, user }, reply) => {
      const problems = collectProblems()
      const name = checkName(body.Name, 'a space', problems)
      const managers = await readManagers(store, body, { managerTeams: [], managerUserIds: [] }, problems)
      problems.throwIfAny()
      const space = await store.transaction(async within => {
        const draft = {
          name,
          description: body.Description ?? '',
          isDefault: body.IsDefault === true,
          ...managers,
        }
        const made = await createSpace(within, draft, user.username)
        await takeOverDefault(within, made)
        return made
      })
      void reply.status(201)
      return toSpaceResource(space)
    },
  )

  app.put(
    '/api/spaces/:id',
    {
      config: { permission: 'SpaceEdit' },
      schema: { params: ById, body: SpaceInput, response: { 200: SpaceResource } },
    },
    async ({ params, body, user }) => {
      const before = await requireSpace(params.id)
      const problems = collectProblems()
      const name = checkName(body.Name ?? before.name, 'a space', problems)
      const managers = await readManagers(store, body, before, problems)
      problems.throwIfAny()
      const after = {
        ...before,
        ...managers,
        name,
        slug: chooseSlug(body.Slug, name === before.name ? before.slug : undefined, name),
        description: body.Description ?? before.description,
        isDefault: body.IsDefault ?? before.isDefault,
        taskQueueStopped: body.TaskQueueStopped ?? before.taskQueueStopped,
      }
      const space = await store.transaction(async within => {
        const changed = await within.spaces.update(after, user.username)
        await takeOverDefault(within, changed)
        return changed
      })
      return toSpaceResource(space)
    },
  )

  app.delete(
    '/api/spaces/:id',
    { config: { permission: 'SpaceDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params }) => {
      const space = await requireSpace(params.id)
      if (space.isDefault) throw invalid('The default space cannot be deleted.')
      if (!space.taskQueueStopped) {
        throw invalid(`Stop the task queue of '${space.name}' before you delete it (TaskQueueStopped: true).`)
      }
      await deleteSpace({ store, packages }, space)
      await agents.refreshTrust()
      return {}
    },
  )
}
