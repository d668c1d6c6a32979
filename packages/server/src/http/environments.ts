import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { Environment } from '../model/environment.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Maybe, NamedResource, Nothing, namedPageQuery, PageOf } from '../web/schema.ts'
import { addReadRoutes, listQuery, namedHeadOf } from './collection.ts'
import { checkName, collectProblems, inUse } from './input-checks.ts'
import { toMachineQuery } from './machine-filters.ts'
import { addEnvironmentMachineRoutes } from './machine-lists.ts'
import { machineFiltersOf, SummaryQuery, summarize, summaryFields } from './machine-summary.ts'

const fields = {
  Description: Type.String(),
  SortOrder: Type.Integer(),
  UseGuidedFailure: Type.Boolean(),
  AllowDynamicInfrastructure: Type.Boolean(),
  EnvironmentTags: Type.Array(Type.String()),
}
const EnvironmentResource = NamedResource({ ...fields, ExtensionSettings: Type.Array(Type.Unknown()) })
const EnvironmentV2Resource = NamedResource({ ...fields, Type: Type.String() })

const EnvironmentInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  SortOrder: Maybe(Type.Integer()),
  UseGuidedFailure: Maybe(Type.Boolean()),
  AllowDynamicInfrastructure: Maybe(Type.Boolean()),
  EnvironmentTags: Maybe(Type.Array(Type.String())),
})

const EnvironmentSummaries = Type.Object({
  ...summaryFields,
  EnvironmentSummaries: Type.Array(Type.Object({ ...summaryFields, Environment: EnvironmentResource })),
  Links: Type.Record(Type.String(), Type.String()),
})

function toFields(environment: Environment) {
  const self = `/api/${environment.spaceId}/environments/${environment.id}`
  return {
    ...namedHeadOf(environment, self, {
      Machines: `${self}/machines{?skip,take,partialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags}`,
    }),
    Description: environment.description,
    SortOrder: environment.sortOrder,
    UseGuidedFailure: environment.useGuidedFailure,
    AllowDynamicInfrastructure: environment.allowDynamicInfrastructure,
    EnvironmentTags: [...environment.environmentTags],
  }
}

function toResource(environment: Environment): Static<typeof EnvironmentResource> {
  return { ...toFields(environment), ExtensionSettings: [] }
}

function contents(input: Static<typeof EnvironmentInput>, before: Partial<Environment>) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'an environment', problems)
  problems.throwIfAny()
  return {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
    sortOrder: input.SortOrder ?? before.sortOrder ?? 0,
    useGuidedFailure: input.UseGuidedFailure ?? before.useGuidedFailure ?? false,
    allowDynamicInfrastructure:
      input.AllowDynamicInfrastructure ?? before.allowDynamicInfrastructure ?? false,
    environmentTags: input.EnvironmentTags ?? before.environmentTags ?? [],
  }
}

/** `environments`: the groups of machines that releases are deployed to. */
export function environmentRoutes(app: App, { store }: { readonly store: Store }): void {
  const { environments, machines, lifecycles } = store
  const base = '/api/:space/environments'
  const view = { permission: 'EnvironmentView' } as const
  addReadRoutes(app, {
    path: 'environments',
    itemType: 'Environment',
    view: 'EnvironmentView',
    resource: EnvironmentResource,
    documents: environments,
    toResource,
  })
  addEnvironmentMachineRoutes(app, store)

  app.get(
    `${base}/v2`,
    {
      config: view,
      schema: { querystring: Type.Object(namedPageQuery), response: { 200: PageOf(EnvironmentV2Resource) } },
    },
    async request => {
      const page = pageOf(request.query)
      const found = await environments.list({ ...listQuery(request.space.id, request.query), ...page })
      return toPage(request, 'Environment', found, page, item => ({ ...toFields(item), Type: 'Static' }))
    },
  )

  app.get(
    `${base}/summary`,
    { config: view, schema: { querystring: SummaryQuery, response: { 200: EnvironmentSummaries } } },
    async request => {
      const { ids, partialName } = request.query
      const query = { spaceId: request.space.id, ...(ids && { ids }), ...(partialName && { partialName }) }
      const shown = (await environments.list(query)).items
      const { items } = await machines.find(toMachineQuery(request.space.id, machineFiltersOf(request.query)))
      const each = shown.map(environment => ({
        ...summarize(items.filter(machine => machine.environmentIds.includes(environment.id))),
        Environment: toResource(environment),
      }))
      const hideEmpty = request.query.hideEmptyEnvironments === true
      return {
        ...summarize(items),
        EnvironmentSummaries: each.filter(summary => !hideEmpty || summary.TotalMachines > 0),
        Links: { Self: `/api/${request.space.id}/environments/summary` },
      }
    },
  )

  app.post(
    base,
    {
      config: { permission: 'EnvironmentCreate' },
      schema: { body: EnvironmentInput, response: { 201: EnvironmentResource } },
    },
    async ({ body, space, user }, reply) => {
      // New ones go to the end of the list, whatever the client's default for the order is.
      const last = Math.max(
        -1,
        ...(await environments.list({ spaceId: space.id })).items.map(item => item.sortOrder),
      )
      const draft = { spaceId: space.id, ...contents(body, {}), sortOrder: body.SortOrder || last + 1 }
      void reply.status(201)
      return toResource(await environments.insert(draft, { by: user.username }))
    },
  )

  app.put(
    `${base}/sortorder`,
    {
      config: { permission: 'EnvironmentEdit' },
      schema: { body: Type.Array(Type.String()), response: { 200: Nothing } },
    },
    async ({ body, space, user }) => {
      await store.transaction(async within => {
        const { items } = await within.environments.list({ spaceId: space.id })
        // Environments that the client did not name keep their order behind those that it did.
        const position = (id: string): number => (body.includes(id) ? body.indexOf(id) : body.length)
        const ordered = items.toSorted((a, b) => position(a.id) - position(b.id))
        for (const [sortOrder, environment] of ordered.entries()) {
          if (environment.sortOrder !== sortOrder)
            await within.environments.update({ ...environment, sortOrder }, user.username)
        }
      })
      return {}
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'EnvironmentEdit' },
      schema: { params: ById, body: EnvironmentInput, response: { 200: EnvironmentResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await environments.require(params.id, space.id)
      return toResource(await environments.update({ ...before, ...contents(body, before) }, user.username))
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'EnvironmentDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const environment = await environments.require(params.id, space.id)
      const { total } = await machines.find({ spaceId: space.id, environmentIds: [environment.id], take: 1 })
      if (total > 0) {
        throw inUse(`'${environment.name}' has ${total} deployment target(s). Delete or move them first.`)
      }
      const phased = (await lifecycles.list({ spaceId: space.id })).items.find(({ phases }) =>
        phases.some(phase =>
          [...phase.automaticDeploymentTargets, ...phase.optionalDeploymentTargets].includes(environment.id),
        ),
      )
      if (phased !== undefined)
        throw inUse(`'${environment.name}' is used by the lifecycle '${phased.name}'.`)
      await environments.delete(environment.id)
      return {}
    },
  )
}
