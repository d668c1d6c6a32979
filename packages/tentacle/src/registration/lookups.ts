import { TentacleError } from '../errors.ts'
import type { ApiClient } from '../web-api/api-client.ts'
import { expandLink } from '../web-api/links.ts'
import { asResource, asResources, linkOf, type Resource, sameName, textOf } from '../web-api/resource.ts'

/** Where names are looked up. */
export interface Lookups {
  readonly api: ApiClient
  /** The document with the links of the space. */
  readonly links: Resource
}

/** What `take` is set to by those who want everything in one page. */
const everything = '2147483647'

/** The machine or worker of that name, over all pages; blanks around a name and its case do not matter. */
export async function findByName(
  { api, links }: Lookups,
  link: 'Machines' | 'Workers',
  name: string,
): Promise<Resource | undefined> {
  const items = await api.all(expandLink(linkOf(links, link), { name }))
  return items.find(item => sameName(textOf(item, 'Name').trim(), name.trim()))
}

/** All machines or workers with this thumbprint. */
export async function findByThumbprint(
  { api, links }: Lookups,
  link: 'Machines' | 'Workers',
  thumbprint: string,
): Promise<Resource[]> {
  const path = expandLink(linkOf(links, link), { id: 'all', thumbprint })
  return asResources(await api.get(path), path)
}

/**
 * The id of the one thing of that name.
 *
 * @throws TentacleError `ERR_REFUSED` if there is none.
 */
export async function idByName(
  { api, links }: Lookups,
  link: string,
  what: string,
  name: string,
): Promise<string> {
  const found = (await api.all(expandLink(linkOf(links, link)))).find(item =>
    sameName(textOf(item, 'Name'), name),
  )
  if (found !== undefined) return textOf(found, 'Id')
  throw notFound(what, [name])
}

/** @throws TentacleError `ERR_REFUSED` with all tags that the server does not have. */
export async function checkTenantTags({ api, links }: Lookups, tags: readonly string[]): Promise<void> {
  const sets = await api.all(expandLink(linkOf(links, 'TagSets')))
  const known = sets.flatMap(set =>
    asResources(set.Tags ?? [], 'TagSets').map(tag => textOf(tag, 'CanonicalTagName')),
  )
  const missing = tags.filter(tag => !known.some(name => sameName(name, tag)))
  if (missing.length > 0) throw notFound('tenant tag', missing)
}

/**
 * The ids of environments by name, slug or id. Newer servers give all kinds of environments in one list; older ones do
 * not have it and are asked in the old way.
 */
export async function environmentIds(lookups: Lookups, wanted: readonly string[]): Promise<string[]> {
  const { api, links } = lookups
  const path = `${expandLink(linkOf(links, 'Environments'))}/v2?skip=0&take=${everything}`
  let items: Resource[]
  try {
    items = asResources(asResource(await api.get(path), path).Items, path)
  } catch (error) {
    if (error instanceof TentacleError && error.details.status === 404) {
      return await idsByNameSlugOrId(lookups, 'Environments', 'environment', wanted)
    }
    throw error
  }
  const matches = new Matches(wanted)
  for (const member of ['Name', 'Slug', 'Id'] as const) matches.take(items, member)
  return matches.idsOrThrow('environment')
}

/** The ids of things by name; of those that are not found by slug; of those by id. Each kind takes a request of its own. */
export async function idsByNameSlugOrId(
  { api, links }: Lookups,
  link: 'Environments' | 'Tenants' | 'WorkerPools',
  what: string,
  wanted: readonly string[],
): Promise<string[]> {
  const template = linkOf(links, link)
  const matches = new Matches(wanted)
  matches.take(await api.all(expandLink(template)), 'Name')
  matches.take(await api.all(expandLink(template)), 'Slug')
  if (matches.missing.length > 0) {
    matches.take(await api.all(expandLink(template, { ids: matches.missing.join(',') })), 'Id')
  }
  return matches.idsOrThrow(what)
}

/** Collects ids in the order in which they are found, each once. */
class Matches {
  readonly #ids = new Set<string>()
  missing: readonly string[]

  constructor(wanted: readonly string[]) {
    this.missing = wanted
  }

  take(items: readonly Resource[], member: 'Name' | 'Slug' | 'Id'): void {
    this.missing = this.missing.filter(name => {
      const found = items.find(item => sameName(textOf(item, member), name))
      if (found !== undefined) this.#ids.add(textOf(found, 'Id'))
      return found === undefined
    })
  }

  idsOrThrow(what: string): string[] {
    if (this.missing.length > 0) throw notFound(what, this.missing)
    return [...this.#ids]
  }
}

function notFound(what: string, names: readonly string[]): TentacleError {
  const quoted = names.map(name => `'${name}'`).join(', ')
  return new TentacleError(
    'ERR_REFUSED',
    `The server has no ${what} ${quoted} that this user may see. Check the spelling, the space and the rights of the user.`,
  )
}
