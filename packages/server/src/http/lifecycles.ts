import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { keepForever } from '../catalog/create-space.ts'
import { chooseSlug, slugOf } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { Lifecycle, Phase, RetentionPeriod } from '../model/project.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import {
  ById,
  Maybe,
  NamedResource,
  Nothing,
  Nullable,
  namedPageQuery,
  PageOf,
  Words,
} from '../web/schema.ts'
import { addReadRoutes, listQuery, namedHeadOf } from './collection.ts'
import { checkIds, checkName, collectProblems, inUse, type Problems } from './input-checks.ts'
import { ProjectResource, toProjectResource } from './project-resource.ts'

const Retention = Type.Object({
  Strategy: Type.String(),
  Unit: Type.String(),
  QuantityToKeep: Type.Integer(),
  ShouldKeepForever: Type.Boolean(),
})
const PhaseResource = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  AutomaticDeploymentTargets: Type.Array(Type.String()),
  OptionalDeploymentTargets: Type.Array(Type.String()),
  MinimumEnvironmentsBeforePromotion: Type.Integer(),
  IsOptionalPhase: Type.Boolean(),
  IsPriorityPhase: Type.Boolean(),
  ReleaseRetentionPolicy: Nullable(Retention),
  TentacleRetentionPolicy: Nullable(Retention),
})
const LifecycleResource = NamedResource({
  Description: Type.String(),
  Phases: Type.Array(PhaseResource),
  ReleaseRetentionPolicy: Retention,
  TentacleRetentionPolicy: Retention,
})

const RetentionInput = Maybe(
  Type.Object({
    Strategy: Maybe(Words(['Default', 'Forever', 'Count'])),
    Unit: Maybe(Words(['Days', 'Items'])),
    QuantityToKeep: Maybe(Type.Integer({ minimum: 0 })),
  }),
)
const PhaseInput = Type.Object({
  Id: Maybe(Type.String()),
  Name: Maybe(Type.String()),
  AutomaticDeploymentTargets: Maybe(Type.Array(Type.String())),
  OptionalDeploymentTargets: Maybe(Type.Array(Type.String())),
  MinimumEnvironmentsBeforePromotion: Maybe(Type.Integer({ minimum: 0 })),
  IsOptionalPhase: Maybe(Type.Boolean()),
  IsPriorityPhase: Maybe(Type.Boolean()),
  ReleaseRetentionPolicy: RetentionInput,
  TentacleRetentionPolicy: RetentionInput,
})
const LifecycleInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  Phases: Maybe(Type.Array(PhaseInput)),
  ReleaseRetentionPolicy: RetentionInput,
  TentacleRetentionPolicy: RetentionInput,
})

function toRetention(period: RetentionPeriod): Static<typeof Retention> {
  return {
    Strategy: period.strategy,
    Unit: period.unit,
    QuantityToKeep: period.quantityToKeep,
    ShouldKeepForever: period.strategy === 'Forever',
  }
}

function toPhase(phase: Phase): Static<typeof PhaseResource> {
  return {
    Id: phase.id,
    Name: phase.name,
    AutomaticDeploymentTargets: [...phase.automaticDeploymentTargets],
    OptionalDeploymentTargets: [...phase.optionalDeploymentTargets],
    MinimumEnvironmentsBeforePromotion: phase.minimumEnvironmentsBeforePromotion,
    IsOptionalPhase: phase.isOptionalPhase,
    IsPriorityPhase: phase.isPriorityPhase,
    ReleaseRetentionPolicy: phase.releaseRetentionPolicy && toRetention(phase.releaseRetentionPolicy),
    TentacleRetentionPolicy: phase.tentacleRetentionPolicy && toRetention(phase.tentacleRetentionPolicy),
  }
}

function toResource(lifecycle: Lifecycle): Static<typeof LifecycleResource> {
  const self = `/api/${lifecycle.spaceId}/lifecycles/${lifecycle.id}`
  return {
    ...namedHeadOf(lifecycle, self, { Projects: `${self}/projects{?skip,take}` }),
    Description: lifecycle.description,
    Phases: lifecycle.phases.map(toPhase),
    ReleaseRetentionPolicy: toRetention(lifecycle.releaseRetentionPolicy),
    TentacleRetentionPolicy: toRetention(lifecycle.tentacleRetentionPolicy),
  }
}

function readRetention(input: Static<typeof RetentionInput> | undefined): RetentionPeriod | null {
  if (input == null) return null
  const quantityToKeep = input.QuantityToKeep ?? 0
  const strategy = input.Strategy ?? (quantityToKeep === 0 ? 'Forever' : 'Count')
  return { strategy, unit: input.Unit ?? 'Items', quantityToKeep }
}

async function readPhases(
  store: Store,
  spaceId: string,
  input: readonly Static<typeof PhaseInput>[],
  problems: Problems,
): Promise<readonly Phase[]> {
  const phases: Phase[] = []
  for (const [index, phase] of input.entries()) {
    const name = checkName(phase.Name, 'a phase', problems)
    if (phases.some(other => other.name.toLowerCase() === name.toLowerCase()))
      problems.add(`The phase '${name}' is there twice.`)
    const environments = (ids: readonly string[] | null | undefined) =>
      checkIds(store.environments, spaceId, ids ?? [], 'environment', problems)
    phases.push({
      id: phase.Id || `phase-${index + 1}-${slugOf(name)}`,
      name,
      automaticDeploymentTargets: await environments(phase.AutomaticDeploymentTargets),
      optionalDeploymentTargets: await environments(phase.OptionalDeploymentTargets),
      minimumEnvironmentsBeforePromotion: phase.MinimumEnvironmentsBeforePromotion ?? 0,
      isOptionalPhase: phase.IsOptionalPhase ?? false,
      isPriorityPhase: phase.IsPriorityPhase ?? false,
      releaseRetentionPolicy: readRetention(phase.ReleaseRetentionPolicy),
      tentacleRetentionPolicy: readRetention(phase.TentacleRetentionPolicy),
    })
  }
  return phases
}

async function contents(
  store: Store,
  spaceId: string,
  input: Static<typeof LifecycleInput>,
  before: Partial<Lifecycle>,
) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a lifecycle', problems)
  const phases =
    input.Phases == null ? (before.phases ?? []) : await readPhases(store, spaceId, input.Phases, problems)
  problems.throwIfAny()
  return {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
    phases,
    releaseRetentionPolicy:
      readRetention(input.ReleaseRetentionPolicy) ?? before.releaseRetentionPolicy ?? keepForever,
    tentacleRetentionPolicy:
      readRetention(input.TentacleRetentionPolicy) ?? before.tentacleRetentionPolicy ?? keepForever,
  }
}

/** `lifecycles`: the orders of environments that releases pass. */
export function lifecycleRoutes(app: App, { store }: { readonly store: Store }): void {
  const { lifecycles, projects, channels } = store
  const base = '/api/:space/lifecycles'
  addReadRoutes(app, {
    path: 'lifecycles',
    itemType: 'Lifecycle',
    view: 'LifecycleView',
    resource: LifecycleResource,
    documents: lifecycles,
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
      const lifecycle = await lifecycles.require(request.params.id, request.space.id)
      const where = [sql`lifecycle_id = ${lifecycle.id}`]
      const found = await projects.list({ ...listQuery(request.space.id, request.query), ...page, where })
      return toPage(request, 'Project', found, page, toProjectResource)
    },
  )
  app.post(
    base,
    {
      config: { permission: 'LifecycleCreate' },
      schema: { body: LifecycleInput, response: { 201: LifecycleResource } },
    },
    async ({ body, space, user }, reply) => {
      const draft = { spaceId: space.id, isDefault: false, ...(await contents(store, space.id, body, {})) }
      void reply.status(201)
      return toResource(await lifecycles.insert(draft, { by: user.username }))
    },
  )
  app.put(
    `${base}/:id`,
    {
      config: { permission: 'LifecycleEdit' },
      schema: { params: ById, body: LifecycleInput, response: { 200: LifecycleResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await lifecycles.require(params.id, space.id)
      const after = await contents(store, space.id, body, before)
      return toResource(await lifecycles.update({ ...before, ...after }, user.username))
    },
  )
  app.delete(
    `${base}/:id`,
    { config: { permission: 'LifecycleDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const lifecycle = await lifecycles.require(params.id, space.id)
      const used = await projects.count({ where: [sql`lifecycle_id = ${lifecycle.id}`] })
      const inChannels = (await channels.list({ spaceId: space.id })).items.some(
        each => each.lifecycleId === lifecycle.id,
      )
      if (used > 0 || inChannels)
        throw inUse(`'${lifecycle.name}' is used by projects or channels. Give them another one first.`)
      await lifecycles.delete(lifecycle.id)
      return {}
    },
  )
}
