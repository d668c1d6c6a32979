import { type Static, Type } from 'typebox'
import { ServerError } from '../errors.ts'
import type { Feed, Package } from '../model/package.ts'
import { compareVersions, isPrerelease } from '../packages/package-version.ts'
import { fitsRule, ruleProblem } from '../packages/version-range.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, slicePage, toPage } from '../web/paging.ts'
import {
  ById,
  Links,
  NamedResource,
  namedPageQuery,
  PageOf,
  QueryCount,
  QueryFlag,
  QueryText,
} from '../web/schema.ts'
import { wireInstant } from '../web/wire-time.ts'
import { listQuery, namedHeadOf } from './collection.ts'
import { invalid } from './input-checks.ts'
import { wireId } from './packages.ts'
import type { HttpParts } from './parts.ts'

const FeedResource = NamedResource({
  FeedType: Type.String(),
  PackageAcquisitionLocationOptions: Type.Array(Type.String()),
  IsBuiltInRepoSyncEnabled: Type.Boolean(),
})

const FoundPackage = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  LatestVersion: Type.String(),
  Description: Type.String(),
  Links,
})

const FoundVersion = Type.Object({
  Id: Type.String(),
  FeedId: Type.String(),
  PackageId: Type.String(),
  Version: Type.String(),
  Title: Type.String(),
  Published: Type.String(),
  SizeBytes: Type.Integer(),
  ReleaseNotes: Type.String(),
  Links,
})

const FeedListQuery = Type.Object({ ...namedPageQuery, feedType: QueryText })
const SearchQuery = Type.Object({ term: QueryText, take: QueryCount, skip: QueryCount })
const VersionsQuery = Type.Object({
  packageId: QueryText,
  take: QueryCount,
  skip: QueryCount,
  versionRange: QueryText,
  preReleaseTag: QueryText,
  includePreRelease: QueryFlag,
  filter: QueryText,
})

function toResource(feed: Feed): Static<typeof FeedResource> {
  const self = `/api/${feed.spaceId}/feeds/${feed.id}`
  return {
    ...namedHeadOf(feed, self, {
      SearchPackagesTemplate: `${self}/packages/search{?term,take,skip}`,
      SearchPackageVersionsTemplate: `${self}/packages/versions{?packageId,take,skip,includePreRelease,versionRange,preReleaseTag,filter,includeReleaseNotes}`,
    }),
    FeedType: feed.feedType,
    PackageAcquisitionLocationOptions: ['Server', 'NotAcquired'],
    IsBuiltInRepoSyncEnabled: false,
  }
}

function newestFirst(items: readonly Package[]): readonly Package[] {
  return items.toSorted((a, b) => compareVersions(b.version, a.version))
}

/** `feeds`: the sources of packages; there is the built-in one of each space. */
export function feedRoutes(app: App, { store }: HttpParts): void {
  const { feeds, packages } = store
  const base = '/api/:space/feeds'
  const config = { permission: 'FeedView' } as const

  async function list(spaceId: string, query: Static<typeof FeedListQuery>): Promise<readonly Feed[]> {
    const { items } = await feeds.list(listQuery(spaceId, query))
    const { feedType } = query
    return feedType === undefined
      ? items
      : items.filter(feed => feed.feedType.toLowerCase() === feedType.toLowerCase())
  }
  /** `feeds-builtin` is the name that the built-in feed had on old servers. */
  async function requireFeed(id: string, spaceId: string): Promise<Feed> {
    const feed = id.toLowerCase() === 'feeds-builtin' ? await feeds.builtIn(spaceId) : await feeds.get(id)
    if (feed?.spaceId === spaceId) return feed
    throw new ServerError('ERR_NOT_FOUND', `There is no feed with the id '${id}'.`)
  }

  app.get(
    base,
    { config, schema: { querystring: FeedListQuery, response: { 200: PageOf(FeedResource) } } },
    async request => {
      const page = pageOf(request.query)
      return toPage(
        request,
        'Feed',
        slicePage(await list(request.space.id, request.query), page),
        page,
        toResource,
      )
    },
  )
  app.get(
    `${base}/all`,
    { config, schema: { querystring: FeedListQuery, response: { 200: Type.Array(FeedResource) } } },
    async ({ space, query }) => (await list(space.id, query)).map(toResource),
  )
  app.get(
    `${base}/:id`,
    { config, schema: { params: ById, response: { 200: FeedResource } } },
    async ({ params, space }) => toResource(await requireFeed(params.id, space.id)),
  )

  app.get(
    `${base}/:id/packages/search`,
    { config, schema: { params: ById, querystring: SearchQuery, response: { 200: PageOf(FoundPackage) } } },
    async request => {
      const feed = await requireFeed(request.params.id, request.space.id)
      const { term } = request.query
      const { items } = await packages.list({ spaceId: feed.spaceId, ...(term && { partialName: term }) })
      const byId = Map.groupBy(newestFirst(items), item => item.packageId.toLowerCase())
      const found = [...byId.values()].flatMap(versions => versions[0] ?? [])
      const page = pageOf(request.query)
      return toPage(request, 'PackageDescription', slicePage(found, page), page, item => ({
        Id: item.packageId,
        Name: item.packageId,
        LatestVersion: item.version,
        Description: item.description,
        Links: {},
      }))
    },
  )

  app.get(
    `${base}/:id/packages/versions`,
    { config, schema: { params: ById, querystring: VersionsQuery, response: { 200: PageOf(FoundVersion) } } },
    async request => {
      const {
        packageId,
        versionRange = '',
        preReleaseTag: tag = '',
        includePreRelease,
        filter,
      } = request.query
      if (packageId === undefined) throw invalid('Say which package: ?packageId=…')
      const rule = { versionRange, tag }
      const problem = ruleProblem(rule)
      if (problem !== undefined) throw invalid(problem)
      const feed = await requireFeed(request.params.id, request.space.id)
      const fitting = newestFirst(await packages.versionsOf(feed.spaceId, packageId)).filter(
        ({ version }) =>
          fitsRule(rule, version) &&
          (includePreRelease !== false || !isPrerelease(version)) &&
          (filter === undefined || version.toLowerCase().includes(filter.toLowerCase())),
      )
      const page = pageOf(request.query)
      return toPage(request, 'PackageVersion', slicePage(fitting, page), page, item => ({
        Id: wireId(item),
        FeedId: feed.id,
        PackageId: item.packageId,
        Version: item.version,
        Title: item.title,
        Published: wireInstant(item.published),
        SizeBytes: item.sizeBytes,
        ReleaseNotes: item.releaseNotes,
        Links: { Package: `/api/${item.spaceId}/packages/${wireId(item)}` },
      }))
    },
  )
}
