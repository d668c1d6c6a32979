import { type Static, Type } from 'typebox'
import { ServerError } from '../errors.ts'
import type { VariableSet } from '../model/variable-set.ts'
import type { App } from '../web/app-types.ts'
import { slicePage, toPage } from '../web/paging.ts'
import { ById, PageOf, QueryList } from '../web/schema.ts'
import { collectProblems } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import {
  readVariables,
  type ScopeValues,
  toVariableSetResource,
  VariableSetInput,
  VariableSetResource,
} from './variable-resource.ts'

/** `variables`: the variables of projects, and the copies that releases keep. */
export function variableRoutes(app: App, { store, vault }: HttpParts): void {
  const { variableSets } = store
  const base = '/api/:space/variables/:id'

  /** What values of the set can be limited to, for forms. */
  async function scopeValues({ spaceId, ownerId }: VariableSet): Promise<Static<typeof ScopeValues>> {
    const inSpace = { spaceId }
    const project = await store.projects.get(ownerId)
    const process = project && (await store.deploymentProcesses.get(project.deploymentProcessId))
    const named = (items: readonly { readonly id: string; readonly name: string }[]) =>
      items.map(item => ({ Id: item.id, Name: item.name }))
    const words = (items: readonly string[]) => items.map(item => ({ Id: item, Name: item }))
    const tagSets = (await store.tagSets.list(inSpace)).items
    return {
      Environments: named((await store.environments.list(inSpace)).items),
      Machines: named((await store.machines.list(inSpace)).items),
      Actions: named(process?.steps.flatMap(step => step.actions) ?? []),
      Roles: words(await store.machines.rolesInUse(spaceId)),
      Channels: named(project === undefined ? [] : await store.channels.ofProject(project.id)),
      TenantTags: words(tagSets.flatMap(set => set.tags.map(tag => `${set.name}/${tag.name}`))),
      Processes:
        project === undefined ? [] : [{ Id: project.id, Name: project.name, ProcessType: 'Deployment' }],
    }
  }

  // There is no end of sets (each release keeps one), so a list needs ids.
  app.get(
    '/api/:space/variables',
    {
      config: { permission: 'VariableView' },
      schema: {
        querystring: Type.Object({ ids: QueryList }),
        response: { 200: PageOf(VariableSetResource) },
      },
    },
    async request => {
      const ids = request.query.ids ?? []
      const { items } = await variableSets.list({ spaceId: request.space.id, ids })
      const resources = await Promise.all(
        items.map(async set => toVariableSetResource(set, await scopeValues(set))),
      )
      const page = { skip: 0, take: Math.max(1, ids.length) }
      return toPage(request, 'VariableSet', slicePage(resources, page), page, item => item)
    },
  )

  app.get(
    base,
    {
      config: { permission: 'VariableView' },
      schema: { params: ById, response: { 200: VariableSetResource } },
    },
    async ({ params, space }) => {
      const set = await variableSets.require(params.id, space.id)
      return toVariableSetResource(set, await scopeValues(set))
    },
  )

  app.put(
    base,
    {
      config: { permission: 'VariableEdit' },
      schema: { params: ById, body: VariableSetInput, response: { 200: VariableSetResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await variableSets.require(params.id, space.id)
      if (before.isFrozen) {
        throw new ServerError(
          'ERR_CONFLICT',
          'These variables belong to a release and cannot be changed. Change those of the project.',
        )
      }
      if (body.Version != null && body.Version !== before.revision - 1) {
        throw new ServerError(
          'ERR_REVISION',
          `The variables were changed by ${before.lastModifiedBy ?? 'somebody'} in the meantime (they have version ` +
            `${before.revision - 1} now, you sent ${body.Version}). Read them again and repeat your change.`,
        )
      }
      const problems = collectProblems()
      // Missing variables would delete all that there are.
      const given = body.Variables ?? problems.refuse('Variables is required.')
      const variables = readVariables(given, before, vault, problems)
      problems.throwIfAny()
      const set = await variableSets.update({ ...before, variables }, user.username)
      return toVariableSetResource(set, await scopeValues(set))
    },
  )
}
