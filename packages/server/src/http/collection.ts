import { type Static, type TSchema, Type } from 'typebox'
import type { Permission } from '../access/permissions.ts'
import type { DocumentRepository, Found, ListQuery } from '../db/document-repository.ts'
import type { SpaceDocument } from '../model/document.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, namedPageQuery, PageOf } from '../web/schema.ts'
import { wireInstant } from '../web/wire-time.ts'

/** What the reading routes of a kind of document need to know. */
export interface Collection<T extends SpaceDocument> {
  /** Path below the space, e.g. `environments`. */
  readonly path: string
  readonly itemType: string
  readonly view: Permission
  readonly resource: TSchema
  readonly documents: DocumentRepository<T>
  readonly toResource: (document: T) => unknown
  /** How a single one is found; default by its id. */
  readonly require?: (id: string, spaceId: string) => Promise<T>
  /** Default: the documents of the space, by the filters of every list. */
  readonly find?: (query: ListQuery & { readonly spaceId: string }) => Promise<Found<T>>
}

/** The filters of a list as the repositories take them, without `undefined` members. */
export function listQuery(
  spaceId: string,
  { ids, name, partialName }: Static<ReturnType<typeof Type.Object<typeof namedPageQuery>>>,
): ListQuery & { readonly spaceId: string } {
  return {
    spaceId,
    ...(ids === undefined ? {} : { ids }),
    ...(name === undefined ? {} : { name }),
    ...(partialName === undefined ? {} : { partialName }),
  }
}

/** Adds `GET /X` (a page), `GET /X/all` (a bare array) and `GET /X/{id}`. */
export function addReadRoutes<T extends SpaceDocument>(app: App, collection: Collection<T>): void {
  const { path, itemType, view, resource, documents, toResource } = collection
  const find = collection.find ?? documents.list
  const require = collection.require ?? documents.require
  const base = `/api/:space/${path}`
  const config = { permission: view }
  const querystring = Type.Object(namedPageQuery)

  app.get(base, { config, schema: { querystring, response: { 200: PageOf(resource) } } }, async request => {
    const page = pageOf(request.query)
    const found = await find({ ...listQuery(request.space.id, request.query), ...page })
    return toPage(request, itemType, found, page, toResource)
  })
  app.get(
    `${base}/all`,
    { config, schema: { querystring, response: { 200: Type.Array(resource) } } },
    async request => (await find(listQuery(request.space.id, request.query))).items.map(toResource),
  )
  app.get(`${base}/:id`, { config, schema: { params: ById, response: { 200: resource } } }, async request =>
    toResource(await require(request.params.id, request.space.id)),
  )
}

/** The fields that every resource begins with. `self` is its address. */
export function headOf(document: SpaceDocument, self: string, links: Readonly<Record<string, string>> = {}) {
  return {
    Id: document.id,
    SpaceId: document.spaceId,
    LastModifiedOn: wireInstant(document.lastModifiedOn),
    LastModifiedBy: document.lastModifiedBy,
    Links: { Self: self, ...links },
  }
}

/** As {@link headOf}, with the name and its slug. */
export function namedHeadOf(
  document: SpaceDocument & { readonly name: string; readonly slug: string },
  self: string,
  links: Readonly<Record<string, string>> = {},
) {
  return { ...headOf(document, self, links), Name: document.name, Slug: document.slug }
}
