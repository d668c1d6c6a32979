import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Found } from '../db/document-repository.ts'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { Package } from '../model/package.ts'
import { isVersion } from '../packages/package-name.ts'
import type { OverwriteMode } from '../packages/package-store.ts'
import { compareVersions } from '../packages/package-version.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, slicePage, toPage } from '../web/paging.ts'
import { ById, Nothing, PageOf, pageQuery, QueryFlag, QueryText, SpaceResource } from '../web/schema.ts'
import { wireInstant } from '../web/wire-time.ts'
import { headOf } from './collection.ts'
import { invalid } from './input-checks.ts'
import type { HttpParts } from './parts.ts'

export const PackageResource = SpaceResource({
  PackageId: Type.String(),
  Version: Type.String(),
  Title: Type.String(),
  Summary: Type.String(),
  Description: Type.String(),
  Published: Type.String(),
  ReleaseNotes: Type.String(),
  FileExtension: Type.String(),
  Hash: Type.String(),
  PackageSizeBytes: Type.Integer(),
  FeedId: Type.String(),
  NuGetPackageId: Type.String(),
  NuGetFeedId: Type.String(),
})

const PackageListQuery = Type.Object({
  ...pageQuery,
  filter: QueryText,
  nuGetPackageId: QueryText,
  latest: QueryFlag,
  includeNotes: QueryFlag,
})

const UploadQuery = Type.Object({ overwriteMode: QueryText, replace: QueryFlag })
const ByVersion = Type.Object({ id: Type.String(), version: Type.String() })

/** The id of a package in the REST API. */
export function wireId(item: Package): string {
  return `packages-${item.packageId}.${item.version}`
}

/** A package of the built-in feed as the REST API shows it. */
export function toPackageResource(item: Package, feedId: string): Static<typeof PackageResource> {
  const id = wireId(item)
  const self = `/api/${item.spaceId}/packages/${id}`
  return {
    ...headOf(item, self, { Raw: `${self}/raw`, Feed: `/api/${item.spaceId}/feeds/${feedId}` }),
    Id: id,
    PackageId: item.packageId,
    Version: item.version,
    Title: item.title,
    Summary: '',
    Description: item.description,
    Published: wireInstant(item.published),
    ReleaseNotes: item.releaseNotes,
    FileExtension: item.extension,
    Hash: item.hash,
    PackageSizeBytes: item.sizeBytes,
    FeedId: feedId,
    NuGetPackageId: item.packageId,
    NuGetFeedId: feedId,
  }
}

/** Id of the space's built-in feed. */
export async function builtInFeedId({ feeds }: Store, spaceId: string): Promise<string> {
  return (await feeds.builtIn(spaceId))?.id ?? 'feeds-builtin'
}

/**
 * Finds a package by `packages-Acme.Web.1.2.3`, or by the same without the first word. Where the id ends and the version
 * begins is not written there, so every reading is looked up.
 */
async function requirePackage({ packages }: Store, spaceId: string, id: string): Promise<Package> {
  const text = id.replace(/^packages-/i, '')
  for (let dot = text.indexOf('.'); dot > 0; dot = text.indexOf('.', dot + 1)) {
    const version = text.slice(dot + 1)
    if (!isVersion(version)) continue
    const found = await packages.byVersion(spaceId, text.slice(0, dot), version)
    if (found !== undefined) return found
  }
  throw new ServerError('ERR_NOT_FOUND', `There is no package '${id}' in the built-in feed.`)
}

/** Newest first within a package, packages by name. */
function inOrder(items: readonly Package[]): readonly Package[] {
  return items.toSorted((a, b) => {
    const byName = a.packageId.toLowerCase().localeCompare(b.packageId.toLowerCase())
    return byName === 0 ? compareVersions(b.version, a.version) : byName
  })
}

async function find(
  store: Store,
  spaceId: string,
  query: Static<typeof PackageListQuery>,
): Promise<Found<Package>> {
  const { nuGetPackageId, filter, partialName = filter, ids, latest } = query
  const wanted = ids?.map(id => id.replace(/^packages-/i, '').toLowerCase())
  const { items } = await store.packages.list({
    spaceId,
    ...(nuGetPackageId && { name: nuGetPackageId }),
    ...(partialName && { partialName }),
    ...(wanted && {
      where: [sql`lower(name || '.' || version) in (select value from json_each(${JSON.stringify(wanted)}))`],
    }),
  })
  const ordered = inOrder(items)
  const isFirst = (item: Package, index: number): boolean =>
    ordered[index - 1]?.packageId.toLowerCase() !== item.packageId.toLowerCase()
  return slicePage(latest === true ? ordered.filter(isFirst) : ordered, pageOf(query))
}

const overwriteModes: readonly OverwriteMode[] = ['FailIfExists', 'OverwriteExisting', 'IgnoreIfExists']

function overwriteModeOf({ overwriteMode, replace }: Static<typeof UploadQuery>): OverwriteMode {
  if (overwriteMode === undefined) return replace === true ? 'OverwriteExisting' : 'FailIfExists'
  const known = overwriteModes.find(mode => mode.toLowerCase() === overwriteMode.toLowerCase())
  if (known !== undefined) return known
  throw invalid(`overwriteMode is '${overwriteMode}'; it must be one of: ${overwriteModes.join(', ')}.`)
}

/** `packages`: what is in the built-in feed. */
export function packageRoutes(app: App, { store, packages }: HttpParts): void {
  const base = '/api/:space/packages'
  const view = { permission: 'BuiltInFeedDownload' } as const

  app.post(
    `${base}/raw`,
    {
      config: { permission: 'BuiltInFeedPush' },
      schema: { querystring: UploadQuery, response: { 200: PackageResource, 201: PackageResource } },
    },
    async (request, reply) => {
      const { space, user, query } = request
      const overwriteMode = overwriteModeOf(query)
      if (!request.isMultipart()) throw invalid('Send the package as a form upload (multipart/form-data).')
      const part = await request.file()
      if (part === undefined) throw invalid('The upload has no file in it.')
      const received = await packages.receive({
        spaceId: space.id,
        fileName: part.filename,
        content: part.file,
        overwriteMode,
        by: user.username,
      })
      void reply.status(received.outcome === 'ignored' ? 200 : 201)
      return toPackageResource(received.package, await builtInFeedId(store, space.id))
    },
  )

  app.get(
    base,
    { config: view, schema: { querystring: PackageListQuery, response: { 200: PageOf(PackageResource) } } },
    async request => {
      const feedId = await builtInFeedId(store, request.space.id)
      const found = await find(store, request.space.id, request.query)
      return toPage(request, 'Package', found, pageOf(request.query), item => toPackageResource(item, feedId))
    },
  )

  app.get(
    `${base}/:id`,
    { config: view, schema: { params: ById, response: { 200: PackageResource } } },
    async request => {
      const { params, space } = request
      return toPackageResource(
        await requirePackage(store, space.id, params.id),
        await builtInFeedId(store, space.id),
      )
    },
  )

  app.get(`${base}/:id/raw`, { config: view, schema: { params: ById } }, async ({ params, space }, reply) => {
    const item = await requirePackage(store, space.id, params.id)
    const path = packages.pathOf(item)
    const { size } = await stat(path)
    void reply.header('Content-Length', size)
    const fileName = `${item.packageId}.${item.version}${item.extension}`
    void reply.header('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`)
    return reply.type('application/octet-stream').send(createReadStream(path))
  })

  // Deltas are not offered: clients take this answer as "send the whole package".
  app.get(
    `${base}/:id/:version/delta-signature`,
    { config: view, schema: { params: ByVersion } },
    async ({ params }) => {
      throw new ServerError(
        'ERR_NOT_FOUND',
        `There is no signature of an earlier version of ${params.id}. Upload the whole package.`,
      )
    },
  )

  app.delete(
    `${base}/:id`,
    { config: { permission: 'BuiltInFeedAdminister' }, schema: { params: ById, response: { 200: Nothing } } },
    async ({ params, space }) => {
      await packages.delete(await requirePackage(store, space.id, params.id))
      return {}
    },
  )
}
