import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { ApiKey, Session, User } from '../model/user.ts'
import type { LoginThrottle } from './login-throttle.ts'
import { isPassword, pretendToCheck } from './password-hash.ts'
import { hashToken, newApiKey, newToken } from './tokens.ts'

/** How long a sign-in lasts: for a browser, for a browser that is to remember it, for an access token. */
export const sessionMs = { browser: 24 * 3_600_000, remembered: 30 * 24 * 3_600_000, token: 3_600_000 }

/** A session with its secret, which is nowhere else. */
export interface NewSession {
  readonly user: User
  readonly session: Session
  readonly secret: string
}

/** Everything about proving who somebody is. */
export interface SignIn {
  /** Throws `ERR_INVALID_INPUT` for a wrong name or password, `ERR_THROTTLED` after too many of them. */
  withPassword(credentials: PasswordCredentials): Promise<NewSession>
  signOut(sessionId: string): Promise<void>
  /** A token for `Authorization: Bearer`, good for an hour. */
  issueAccessToken(user: User): Promise<NewSession>
  createApiKey(options: NewApiKey): Promise<{ readonly apiKey: ApiKey; readonly secret: string }>
  /** These three throw `ERR_UNAUTHENTICATED` with the reason. */
  userOfApiKey(key: string): Promise<User>
  userOfAccessToken(token: string): Promise<User>
  userOfSession(cookie: string): Promise<{ readonly user: User; readonly session: Session }>
}

export interface PasswordCredentials {
  readonly username: string
  readonly password: string
  readonly rememberMe: boolean
  /** Where the request came from, for the throttle. */
  readonly address: string
}

export interface NewApiKey {
  readonly userId: string
  readonly purpose: string
  /** ISO 8601; null: it does not expire. */
  readonly expires: string | null
  readonly by: string | null
}

function unauthenticated(message: string): ServerError {
  return new ServerError('ERR_UNAUTHENTICATED', message)
}

/** Opens the sign-in over the store. */
export function createSignIn(store: Store, throttle: LoginThrottle): SignIn {
  const now = (): Date => store.now()

  async function activeUser(userId: string): Promise<User> {
    const user = await store.users.get(userId)
    if (user === undefined) throw unauthenticated('The user of this key or session does not exist any more.')
    if (!user.isActive) throw unauthenticated(`The user ${user.username} is disabled.`)
    return user
  }

  async function openSession(user: User, kind: Session['kind'], lifeMs: number): Promise<NewSession> {
    const secret = newToken()
    const created = now()
    await store.sessions.deleteExpired(created)
    const session = await store.sessions.insert({
      kind,
      userId: user.id,
      hash: hashToken(secret),
      csrfToken: newToken(),
      created: created.toISOString(),
      expires: new Date(created.getTime() + lifeMs).toISOString(),
    })
    return { user, session, secret }
  }

  async function validSession(secret: string, kind: Session['kind'], expired: string): Promise<Session> {
    const session = await store.sessions.byHash(hashToken(secret))
    if (session === undefined || session.kind !== kind || session.expires <= now().toISOString()) {
      throw unauthenticated(expired)
    }
    return session
  }

  return {
    async withPassword({ username, password, rememberMe, address }) {
      const waitMs = throttle.waitMs(username, address)
      if (waitMs > 0) {
        const seconds = Math.ceil(waitMs / 1000)
        throw new ServerError('ERR_THROTTLED', `Too many failed sign-ins. Try again in ${seconds} seconds.`, {
          details: { retryAfterSeconds: seconds },
        })
      }
      const user = await store.users.byUsername(username)
      const hash = user?.isActive === true ? user.passwordHash : null
      // Both ways cost the same, so the time does not tell whether the user exists.
      const isRight = hash === null ? await pretendToCheck(password) : await isPassword(password, hash)
      if (user === undefined || isRight !== true) {
        throttle.failed(username, address)
        throw new ServerError('ERR_INVALID_INPUT', 'The user name or the password is not right.')
      }
      throttle.succeeded(username, address)
      return openSession(user, 'browser', rememberMe ? sessionMs.remembered : sessionMs.browser)
    },

    async signOut(sessionId) {
      await store.sessions.delete(sessionId)
    },

    issueAccessToken: user => openSession(user, 'token', sessionMs.token),

    async createApiKey({ userId, purpose, expires, by }) {
      const secret = newApiKey()
      const draft = {
        userId,
        purpose,
        hash: hashToken(secret),
        hint: secret.slice(0, 8),
        created: now().toISOString(),
        expires,
      }
      return { apiKey: await store.apiKeys.insert(draft, { by }), secret }
    },

    async userOfApiKey(key) {
      const apiKey = await store.apiKeys.byHash(hashToken(key))
      if (apiKey === undefined) throw unauthenticated('The API key is not valid. Was it revoked?')
      if (apiKey.expires !== null && apiKey.expires <= now().toISOString()) {
        throw unauthenticated(`The API key ${apiKey.hint}… expired at ${apiKey.expires}.`)
      }
      return activeUser(apiKey.userId)
    },

    async userOfAccessToken(token) {
      const message = 'The access token is not valid, or it has expired. Ask for a new one.'
      return activeUser((await validSession(token, 'token', message)).userId)
    },

    async userOfSession(cookie) {
      const session = await validSession(cookie, 'browser', 'Your session has ended. Sign in again.')
      return { user: await activeUser(session.userId), session }
    },
  }
}
