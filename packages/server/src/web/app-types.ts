import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { RoutePermission } from '../access/permissions.ts'
import type { Space } from '../model/space.ts'
import type { User } from '../model/user.ts'

/** Who sends a request, and how that was proven. */
export interface Caller {
  readonly user: User
  readonly by: 'api-key' | 'access-token' | 'session'
  /** Only by session: the id of the session, and what changing requests must send in their header. */
  readonly session?: { readonly id: string; readonly csrfToken: string }
}

/** The web server with schemas that give types. */
export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/**
 * One resource: adds its routes. Paths are `/api/…` for what belongs to the whole server and `/api/:space/…` for what
 * belongs to a space; all aliases (no space, `/api/spaces/{space}/…`, any case, a prefix) lead there.
 */
export type Routes<Parts> = (app: App, parts: Parts) => void

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required for every route: who may call it. */
    permission?: RoutePermission
  }
  interface FastifyRequest {
    /** Null on anonymous routes when nothing valid was shown. */
    caller: Caller | null
    /** The user of a route that is not anonymous. */
    readonly user: User
    /** The space of a `/api/:space/…` route. Throws on others. */
    readonly space: Space
    /** Path and query as the client sent them, without the web prefix. */
    address: string
    /** The space in the address of a global route (`/api/Spaces-1/tasks`), if there was one. */
    spaceInAddress: Space | null
  }
}
