import type { FastifyReply, FastifyRequest } from 'fastify'
import { isAllowed } from '../access/permissions.ts'
import { ServerError } from '../errors.ts'
import type { Caller } from './app-types.ts'

/** Finds out who sends a request. */
export interface Authenticator {
  /** `API-…` */
  byApiKey(key: string): Promise<Caller>
  /** The token of `Authorization: Bearer`. */
  byAccessToken(token: string): Promise<Caller>
  /** The value of the session cookie. */
  bySession(value: string): Promise<Caller>
}

/** Names of the two cookies of a session: docs/wire/server-api.md, signing in. */
export function cookieNames(installationId: string): { readonly session: string; readonly csrf: string } {
  return {
    session: `OctopusIdentificationToken_${installationId}`,
    csrf: `Octopus-Csrf-Token_${installationId}`,
  }
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}

/** The first proof in the request, in the order key, token, cookie. An empty key counts as none. */
async function identify(
  request: FastifyRequest,
  authenticator: Authenticator,
  cookie: string,
): Promise<Caller | null> {
  const query: unknown = request.query
  const inQuery = typeof query === 'object' && query !== null && 'apikey' in query ? text(query.apikey) : ''
  const key = text(request.headers['x-octopus-apikey']) || inQuery
  if (key !== '') return authenticator.byApiKey(key)
  const bearer = /^bearer\s+(.+)$/i.exec(text(request.headers.authorization))?.[1]
  if (bearer !== undefined) return authenticator.byAccessToken(bearer)
  const session = request.cookies[cookie]
  return session === undefined || session === '' ? null : authenticator.bySession(session)
}

/** A page of another site can send our cookie along, but cannot read it to copy it into a header. */
function checkCsrf(request: FastifyRequest, caller: Caller): void {
  if (caller.session === undefined || safeMethods.has(request.method)) return
  if (request.headers['x-octopus-csrf-token'] === caller.session.csrfToken) return
  throw new ServerError(
    'ERR_INVALID_INPUT',
    'The request has no valid X-Octopus-Csrf-Token header. Requests with a session cookie that change something must ' +
      'repeat the value of the Octopus-Csrf-Token cookie there.',
  )
}

/** Checks every request against the permission of its route. */
export function createAccessCheck(authenticator: Authenticator, sessionCookie: string) {
  return async (request: FastifyRequest, _reply: FastifyReply): Promise<void> => {
    const { permission } = request.routeOptions.config
    // No route was found: the answer is 404 for everybody.
    if (permission === undefined) return
    if (permission === 'anonymous') {
      // A wrong key does not hurt here: clients read the root document before they know whether their key is good.
      request.caller = await identify(request, authenticator, sessionCookie).catch(() => null)
      return
    }
    const caller = await identify(request, authenticator, sessionCookie)
    if (caller === null) {
      throw new ServerError(
        'ERR_UNAUTHENTICATED',
        'You must be signed in for this. Sign in, or send an API key.',
      )
    }
    request.caller = caller
    checkCsrf(request, caller)
    if (permission !== 'signed-in' && !isAllowed(caller.user, permission)) {
      throw new ServerError(
        'ERR_FORBIDDEN',
        `You do not have permission to perform this action: ${caller.user.username} needs ${permission}.`,
        { details: { permission, user: caller.user.id } },
      )
    }
  }
}
