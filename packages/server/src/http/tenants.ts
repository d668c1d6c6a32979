import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import { type Condition, listHoldsOneOf } from '../db/document-repository.ts'
import type { Store } from '../db/store.ts'
import type { Tenant } from '../model/tenant.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import {
  ById,
  Maybe,
  NamedResource,
  Nothing,
  namedPageQuery,
  PageOf,
  QueryList,
  QueryText,
} from '../web/schema.ts'
import { listQuery, namedHeadOf } from './collection.ts'
import { checkIds, checkName, checkTenantTags, collectProblems } from './input-checks.ts'

const ByProject = Type.Record(Type.String(), Type.Array(Type.String()))

const TenantResource = NamedResource({
  Description: Type.String(),
  IsDisabled: Type.Boolean(),
  TenantTags: Type.Array(Type.String()),
  ProjectEnvironments: ByProject,
})

const TenantInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  IsDisabled: Maybe(Type.Boolean()),
  TenantTags: Maybe(Type.Array(Type.String())),
  ProjectEnvironments: Maybe(ByProject),
})

const TenantListQuery = Type.Object({ ...namedPageQuery, projectId: QueryText, tags: QueryList })

function toResource(tenant: Tenant): Static<typeof TenantResource> {
  return {
    ...namedHeadOf(tenant, `/api/${tenant.spaceId}/tenants/${tenant.id}`),
    Description: tenant.description,
    IsDisabled: tenant.isDisabled,
    TenantTags: [...tenant.tenantTags],
    ProjectEnvironments: Object.fromEntries(
      Object.entries(tenant.projectEnvironments).map(([project, environments]) => [
        project,
        [...environments],
      ]),
    ),
  }
}

function tenantQuery(spaceId: string, query: Static<typeof TenantListQuery>) {
  const where: Condition[] = []
  if (query.tags !== undefined) where.push(listHoldsOneOf('$.tenantTags', query.tags))
  if (query.projectId !== undefined) {
    where.push(
      sql`exists (select 1 from json_each(doc.json, '$.projectEnvironments') item where item.key = ${query.projectId})`,
    )
  }
  return { ...listQuery(spaceId, query), where }
}

async function contents(
  store: Store,
  spaceId: string,
  input: Static<typeof TenantInput>,
  before: Partial<Tenant>,
) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a tenant', problems)
  const tenantTags = await checkTenantTags(
    store,
    spaceId,
    input.TenantTags ?? before.tenantTags ?? [],
    problems,
  )
  const projectEnvironments = input.ProjectEnvironments ?? before.projectEnvironments ?? {}
  await checkIds(store.projects, spaceId, Object.keys(projectEnvironments), 'project', problems)
  await checkIds(
    store.environments,
    spaceId,
    Object.values(projectEnvironments).flat(),
    'environment',
    problems,
  )
  problems.throwIfAny()
  return {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
    isDisabled: input.IsDisabled ?? before.isDisabled ?? false,
    tenantTags,
    projectEnvironments,
  }
}

/** `tenants`: whom projects are deployed for. */
export function tenantRoutes(app: App, { store }: { readonly store: Store }): void {
  const { tenants } = store
  const base = '/api/:space/tenants'
  const view = { permission: 'TenantView' } as const

  app.get(
    base,
    { config: view, schema: { querystring: TenantListQuery, response: { 200: PageOf(TenantResource) } } },
    async request => {
      const page = pageOf(request.query)
      const found = await tenants.list({ ...tenantQuery(request.space.id, request.query), ...page })
      return toPage(request, 'Tenant', found, page, toResource)
    },
  )
  app.get(
    `${base}/all`,
    { config: view, schema: { querystring: TenantListQuery, response: { 200: Type.Array(TenantResource) } } },
    async ({ query, space }) => (await tenants.list(tenantQuery(space.id, query))).items.map(toResource),
  )
  app.get(
    `${base}/:id`,
    { config: view, schema: { params: ById, response: { 200: TenantResource } } },
    async request => toResource(await tenants.require(request.params.id, request.space.id)),
  )
  app.post(
    base,
    {
      config: { permission: 'TenantCreate' },
      schema: { body: TenantInput, response: { 201: TenantResource } },
    },
    async ({ body, space, user }, reply) => {
      const draft = { spaceId: space.id, ...(await contents(store, space.id, body, {})) }
      void reply.status(201)
      return toResource(await tenants.insert(draft, { by: user.username }))
    },
  )
  app.put(
    `${base}/:id`,
    {
      config: { permission: 'TenantEdit' },
      schema: { params: ById, body: TenantInput, response: { 200: TenantResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await tenants.require(params.id, space.id)
      const after = await contents(store, space.id, body, before)
      return toResource(await tenants.update({ ...before, ...after }, user.username))
    },
  )
  app.delete(
    `${base}/:id`,
    { config: { permission: 'TenantDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const tenant = await tenants.require(params.id, space.id)
      await store.transaction(async within => {
        await within.tenants.delete(tenant.id)
        for (const machine of (await within.machines.find({ spaceId: space.id, tenantIds: [tenant.id] }))
          .items) {
          const tenantIds = machine.tenantIds.filter(id => id !== tenant.id)
          await within.machines.update({ ...machine, tenantIds })
        }
      })
      return {}
    },
  )
}
