import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { TagSet } from '../model/tenant.ts'
import type { App } from '../web/app-types.ts'
import { ById, Maybe, NamedResource, Nothing } from '../web/schema.ts'
import { addReadRoutes, namedHeadOf } from './collection.ts'
import { checkName, collectProblems } from './input-checks.ts'

const TagSetResource = NamedResource({
  Description: Type.String(),
  SortOrder: Type.Integer(),
  Scopes: Type.Array(Type.String()),
  Tags: Type.Array(
    Type.Object({
      Id: Type.String(),
      Name: Type.String(),
      CanonicalTagName: Type.String(),
      Color: Type.String(),
      Description: Type.String(),
      SortOrder: Type.Integer(),
    }),
  ),
})

const TagSetInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  SortOrder: Maybe(Type.Integer()),
  Tags: Maybe(
    Type.Array(
      Type.Object({
        Id: Maybe(Type.String()),
        Name: Maybe(Type.String()),
        Color: Maybe(Type.String()),
        Description: Maybe(Type.String()),
        SortOrder: Maybe(Type.Integer()),
      }),
    ),
  ),
})

function toResource(set: TagSet): Static<typeof TagSetResource> {
  return {
    ...namedHeadOf(set, `/api/${set.spaceId}/tagsets/${set.id}`),
    Description: set.description,
    SortOrder: set.sortOrder,
    Scopes: ['Tenant'],
    Tags: set.tags.map(tag => ({
      Id: `${set.id}/${tag.id}`,
      Name: tag.name,
      CanonicalTagName: `${set.name}/${tag.name}`,
      Color: tag.color,
      Description: tag.description,
      SortOrder: tag.sortOrder,
    })),
  }
}

function readTags(
  input: Static<typeof TagSetInput>['Tags'],
  before: TagSet['tags'],
  set: string,
): TagSet['tags'] {
  if (input == null) return before
  const problems = collectProblems()
  const numbers = before.map(tag => Number(tag.id.split('-').at(-1)))
  let last = Math.max(0, ...numbers)
  const seen = new Set<string>()
  const tags = input.map((tag, index) => {
    const name = checkName(tag.Name, `a tag of '${set}'`, problems)
    if (seen.has(name.toLowerCase())) problems.add(`The tag '${name}' is there twice.`)
    seen.add(name.toLowerCase())
    const known = before.find(each => each.id === tag.Id?.split('/').at(-1))
    if (known === undefined) last += 1
    return {
      id: known?.id ?? `Tags-${last}`,
      name,
      color: tag.Color ?? known?.color ?? '#333333',
      description: tag.Description ?? known?.description ?? '',
      sortOrder: tag.SortOrder ?? index,
    }
  })
  problems.throwIfAny()
  return tags
}

function contents(input: Static<typeof TagSetInput>, before: Partial<TagSet>) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a tag set', problems)
  if (name.includes('/')) problems.add("The name of a tag set may not contain '/'.")
  problems.throwIfAny()
  return {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
    sortOrder: input.SortOrder ?? before.sortOrder ?? 0,
    tags: readTags(input.Tags, before.tags ?? [], name),
  }
}

/** `tagsets`: the families of tags that tenants are marked with. */
export function tagSetRoutes(app: App, { store }: { readonly store: Store }): void {
  const { tagSets } = store
  const base = '/api/:space/tagsets'
  addReadRoutes(app, {
    path: 'tagsets',
    itemType: 'TagSet',
    view: 'TagSetView',
    resource: TagSetResource,
    documents: tagSets,
    toResource,
  })

  app.post(
    base,
    {
      config: { permission: 'TagSetCreate' },
      schema: { body: TagSetInput, response: { 201: TagSetResource } },
    },
    async ({ body, space, user }, reply) => {
      void reply.status(201)
      return toResource(
        await tagSets.insert({ spaceId: space.id, ...contents(body, {}) }, { by: user.username }),
      )
    },
  )
  app.put(
    `${base}/:id`,
    {
      config: { permission: 'TagSetEdit' },
      schema: { params: ById, body: TagSetInput, response: { 200: TagSetResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await tagSets.require(params.id, space.id)
      return toResource(await tagSets.update({ ...before, ...contents(body, before) }, user.username))
    },
  )
  app.delete(
    `${base}/:id`,
    { config: { permission: 'TagSetDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      await tagSets.delete((await tagSets.require(params.id, space.id)).id)
      return {}
    },
  )
}
