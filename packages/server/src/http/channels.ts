import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Channel, ChannelRule } from '../model/project.ts'
import { ruleProblem } from '../packages/version-range.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Maybe, NamedResource, Nothing, Nullable, namedPageQuery, PageOf } from '../web/schema.ts'
import { addReadRoutes, listQuery, namedHeadOf } from './collection.ts'
import {
  checkIds,
  checkName,
  checkTenantTags,
  collectProblems,
  inUse,
  invalid,
  type Problems,
} from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { requireProject } from './projects.ts'

const ChannelResource = NamedResource({
  Description: Type.String(),
  ProjectId: Type.String(),
  LifecycleId: Nullable(Type.String()),
  IsDefault: Type.Boolean(),
  Rules: Type.Array(
    Type.Object({
      Id: Type.String(),
      VersionRange: Type.String(),
      Tag: Type.String(),
      ActionPackages: Type.Array(
        Type.Object({ DeploymentAction: Type.String(), PackageReference: Type.String() }),
      ),
    }),
  ),
  TenantTags: Type.Array(Type.String()),
  GitReferenceRules: Type.Array(Type.Unknown()),
  GitResourceRules: Type.Array(Type.Unknown()),
})

const RuleInput = Type.Object({
  Id: Maybe(Type.String()),
  VersionRange: Maybe(Type.String()),
  Tag: Maybe(Type.String()),
  ActionPackages: Maybe(
    Type.Array(
      Type.Object({ DeploymentAction: Maybe(Type.String()), PackageReference: Maybe(Type.String()) }),
    ),
  ),
})
const ChannelInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  ProjectId: Maybe(Type.String()),
  LifecycleId: Maybe(Type.String()),
  IsDefault: Maybe(Type.Boolean()),
  Rules: Maybe(Type.Array(RuleInput)),
  TenantTags: Maybe(Type.Array(Type.String())),
})

/** A channel as the REST API shows it. */
export function toChannelResource(channel: Channel): Static<typeof ChannelResource> {
  const self = `/api/${channel.spaceId}/channels/${channel.id}`
  return {
    ...namedHeadOf(channel, self, {
      Releases: `${self}/releases{?skip,take,searchByVersion}`,
      Project: `/api/${channel.spaceId}/projects/${channel.projectId}`,
    }),
    Description: channel.description,
    ProjectId: channel.projectId,
    LifecycleId: channel.lifecycleId,
    IsDefault: channel.isDefault,
    Rules: channel.rules.map(rule => ({
      Id: rule.id,
      VersionRange: rule.versionRange,
      Tag: rule.tag,
      ActionPackages: rule.actionPackages.map(item => ({
        DeploymentAction: item.deploymentAction,
        PackageReference: item.packageReference,
      })),
    })),
    TenantTags: [...channel.tenantTags],
    GitReferenceRules: [],
    GitResourceRules: [],
  }
}

function readRules(input: readonly Static<typeof RuleInput>[], problems: Problems): readonly ChannelRule[] {
  return input.map((rule, index) => {
    const read = {
      id: rule.Id || `rule-${index + 1}`,
      versionRange: rule.VersionRange ?? '',
      tag: rule.Tag ?? '',
      actionPackages: (rule.ActionPackages ?? []).map(item => ({
        deploymentAction: item.DeploymentAction ?? '',
        packageReference: item.PackageReference ?? '',
      })),
    }
    const problem = ruleProblem(read)
    if (problem !== undefined) problems.add(problem)
    return read
  })
}

/** `channels` and `projects/{id}/channels`: the lines of releases of projects. */
export function channelRoutes(app: App, parts: HttpParts): void {
  const { store } = parts
  const { channels } = store
  const base = '/api/:space/channels'
  const ofProject = '/api/:space/projects/:id/channels'
  const view = { permission: 'ProcessView' } as const
  addReadRoutes(app, {
    path: 'channels',
    itemType: 'Channel',
    view: 'ProcessView',
    resource: ChannelResource,
    documents: channels,
    toResource: toChannelResource,
  })

  async function contents(spaceId: string, input: Static<typeof ChannelInput>, before: Partial<Channel>) {
    const problems = collectProblems()
    const name = checkName(input.Name ?? before.name, 'a channel', problems)
    const [lifecycleId = null] = input.LifecycleId
      ? await checkIds(store.lifecycles, spaceId, [input.LifecycleId], 'lifecycle', problems)
      : []
    const rules = input.Rules == null ? (before.rules ?? []) : readRules(input.Rules, problems)
    const tenantTags = await checkTenantTags(
      store,
      spaceId,
      input.TenantTags ?? before.tenantTags ?? [],
      problems,
    )
    problems.throwIfAny()
    return {
      spaceId,
      name,
      slug: chooseSlug(input.Slug, before.slug, name),
      description: input.Description ?? before.description ?? '',
      lifecycleId: input.LifecycleId === undefined ? (before.lifecycleId ?? null) : lifecycleId,
      isDefault: input.IsDefault ?? before.isDefault ?? false,
      rules,
      tenantTags,
    }
  }

  /** There is exactly one default in a project: another channel that becomes it takes it over. */
  async function writeWithDefault(write: (within: HttpParts['store']) => Promise<Channel>): Promise<Channel> {
    return store.transaction(async within => {
      const channel = await write(within)
      if (!channel.isDefault) return channel
      for (const other of await within.channels.ofProject(channel.projectId)) {
        if (other.isDefault && other.id !== channel.id)
          await within.channels.update({ ...other, isDefault: false })
      }
      return channel
    })
  }

  async function create(
    spaceId: string,
    projectText: string,
    input: Static<typeof ChannelInput>,
    by: string,
  ) {
    const project = await requireProject(parts, spaceId, projectText)
    const draft = { ...(await contents(spaceId, input, {})), projectId: project.id }
    return toChannelResource(await writeWithDefault(within => within.channels.insert(draft, { by })))
  }

  app.get(
    ofProject,
    {
      config: view,
      schema: {
        params: ById,
        querystring: Type.Object(namedPageQuery),
        response: { 200: PageOf(ChannelResource) },
      },
    },
    async request => {
      const page = pageOf(request.query)
      const project = await requireProject(parts, request.space.id, request.params.id)
      const where = [sql`project_id = ${project.id}`]
      const found = await channels.list({ ...listQuery(request.space.id, request.query), ...page, where })
      return toPage(request, 'Channel', found, page, toChannelResource)
    },
  )

  app.post(
    base,
    {
      config: { permission: 'ProcessEdit' },
      schema: { body: ChannelInput, response: { 201: ChannelResource } },
    },
    async ({ body, space, user }, reply) => {
      if (!body.ProjectId) throw invalid('ProjectId is required.')
      void reply.status(201)
      return create(space.id, body.ProjectId, body, user.username)
    },
  )
  app.post(
    ofProject,
    {
      config: { permission: 'ProcessEdit' },
      schema: { params: ById, body: ChannelInput, response: { 201: ChannelResource } },
    },
    async ({ params, body, space, user }, reply) => {
      void reply.status(201)
      return create(space.id, params.id, body, user.username)
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'ProcessEdit' },
      schema: { params: ById, body: ChannelInput, response: { 200: ChannelResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await channels.require(params.id, space.id)
      const after = await contents(space.id, body, before)
      if (before.isDefault && !after.isDefault)
        throw invalid('There must be a default channel. Make another one the default instead.')
      return toChannelResource(
        await writeWithDefault(within => within.channels.update({ ...before, ...after }, user.username)),
      )
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'ProcessEdit' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const channel = await channels.require(params.id, space.id)
      if (channel.isDefault) throw inUse(`'${channel.name}' is the default channel of its project.`)
      const total = await store.releases.count({ where: [sql`channel_id = ${channel.id}`] })
      if (total > 0) throw inUse(`'${channel.name}' has ${total} release(s). Delete them first.`)
      await channels.delete(channel.id)
      return {}
    },
  )
}
