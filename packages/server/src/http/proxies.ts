import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { HttpProxy } from '../model/proxy.ts'
import type { App } from '../web/app-types.ts'
import { ById, Maybe, NamedResource, Nothing, Nullable } from '../web/schema.ts'
import { addReadRoutes, namedHeadOf } from './collection.ts'
import { checkName, collectProblems, inUse } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { readSensitive, SensitiveInput, SensitiveResource, toSensitive } from './sensitive-value.ts'

const ProxyResource = NamedResource({
  Host: Type.String(),
  Port: Type.Integer(),
  ProxyType: Type.String(),
  Username: Nullable(Type.String()),
  Password: SensitiveResource,
})

const ProxyInput = Type.Object({
  Name: Maybe(Type.String()),
  Host: Maybe(Type.String()),
  Port: Maybe(Type.Integer({ minimum: 1, maximum: 65_535 })),
  ProxyType: Maybe(Type.String()),
  Username: Maybe(Type.String()),
  Password: SensitiveInput,
})

function toResource(proxy: HttpProxy): Static<typeof ProxyResource> {
  return {
    ...namedHeadOf(proxy, `/api/${proxy.spaceId}/proxies/${proxy.id}`),
    Host: proxy.host,
    Port: proxy.port,
    ProxyType: 'HTTP',
    Username: proxy.username,
    Password: toSensitive(proxy.password),
  }
}

/** `proxies`: HTTP proxies on the way to listening Tentacles. */
export function proxyRoutes(app: App, { store, vault }: Pick<HttpParts, 'store' | 'vault'>): void {
  const { proxies, machines, workers } = store
  const base = '/api/:space/proxies'
  addReadRoutes(app, {
    path: 'proxies',
    itemType: 'Proxy',
    view: 'ProxyView',
    resource: ProxyResource,
    documents: proxies,
    toResource,
  })

  function contents(input: Static<typeof ProxyInput>, before: Partial<HttpProxy>) {
    const problems = collectProblems()
    const name = checkName(input.Name ?? before.name, 'a proxy', problems)
    const host = (input.Host ?? before.host ?? '').trim()
    if (host === '') problems.add('A proxy needs a host.')
    if ((input.ProxyType ?? 'HTTP') !== 'HTTP')
      problems.add(`ProxyType is '${input.ProxyType}'; only HTTP is known.`)
    problems.throwIfAny()
    return {
      name,
      slug: chooseSlug(null, before.slug, name),
      host,
      port: input.Port ?? before.port ?? 80,
      username: input.Username === undefined ? (before.username ?? null) : input.Username || null,
      password: readSensitive(input.Password, before.password ?? null, vault),
    }
  }

  app.post(
    base,
    { config: { permission: 'ProxyCreate' }, schema: { body: ProxyInput, response: { 201: ProxyResource } } },
    async ({ body, space, user }, reply) => {
      void reply.status(201)
      return toResource(
        await proxies.insert({ spaceId: space.id, ...contents(body, {}) }, { by: user.username }),
      )
    },
  )

  app.put(
    `${base}/:id`,
    {
      config: { permission: 'ProxyEdit' },
      schema: { params: ById, body: ProxyInput, response: { 200: ProxyResource } },
    },
    async ({ params, body, space, user }) => {
      const before = await proxies.require(params.id, space.id)
      return toResource(await proxies.update({ ...before, ...contents(body, before) }, user.username))
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'ProxyDelete' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      const proxy = await proxies.require(params.id, space.id)
      const all = [
        ...(await machines.list({ spaceId: space.id })).items,
        ...(await workers.list({ spaceId: space.id })).items,
      ]
      const user = all.find(
        ({ endpoint }) => endpoint.style === 'TentaclePassive' && endpoint.proxyId === proxy.id,
      )
      if (user !== undefined) throw inUse(`'${proxy.name}' is used by '${user.name}'.`)
      await proxies.delete(proxy.id)
      return {}
    },
  )
}
