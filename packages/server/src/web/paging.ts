import type { FastifyRequest } from 'fastify'
import type { Found } from '../db/document-repository.ts'

/** How many items a page has when the client does not say: docs/wire/server-api.md, lists. */
export const defaultTake = 30

/** The `skip` and `take` that a request asks for. */
export function pageOf(query: { readonly skip?: number; readonly take?: number }): {
  skip: number
  take: number
} {
  return { skip: query.skip ?? 0, take: query.take ?? defaultTake }
}

/** The parts of a request that its list is described with. */
type ListRequest = Pick<FastifyRequest, 'address'>

/**
 * The answer for one page. `Page.Next` is there exactly while more items follow, and every link keeps the filters of
 * the request: clients loop on it.
 */
export function toPage<T, R>(
  request: ListRequest,
  itemType: string,
  { items, total }: Found<T>,
  { skip, take }: { readonly skip: number; readonly take: number },
  toResource: (item: T) => R,
) {
  const [path = '', search = ''] = request.address.split('?', 2)
  const at = (from: number, count: number): string => {
    const query = new URLSearchParams(search)
    for (const name of [...query.keys()]) {
      if (/^(skip|take|apikey)$/i.test(name)) query.delete(name)
    }
    query.set('skip', String(from))
    query.set('take', String(count))
    return `${path}?${query}`
  }
  const pages = take === 0 ? 1 : Math.max(1, Math.ceil(total / take))
  const links: Record<string, string> = {
    Self: path,
    Template: `${path}{?skip,take}`,
    'Page.All': at(0, 2_147_483_647),
    'Page.Current': at(skip, take),
    'Page.Last': at((pages - 1) * take, take),
  }
  if (take > 0 && skip + take < total) links['Page.Next'] = at(skip + take, take)
  if (skip > 0) links['Page.Previous'] = at(Math.max(0, skip - take), take)
  return {
    ItemType: itemType,
    TotalResults: total,
    ItemsPerPage: take,
    NumberOfPages: pages,
    LastPageNumber: pages - 1,
    Items: items.map(toResource),
    Links: links,
  }
}

/** An answer for clients that page through what the server has as a whole list. */
export function slicePage<T>(
  all: readonly T[],
  { skip, take }: { readonly skip: number; readonly take: number },
): Found<T> {
  return { items: all.slice(skip, skip + take), total: all.length }
}
