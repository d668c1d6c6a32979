import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { type NewSession, sessionMs } from '../access/sign-in.ts'
import type { App } from '../web/app-types.ts'
import { cookieNames } from '../web/authentication.ts'
import { Maybe, Nothing } from '../web/schema.ts'
import { invalid } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { toUserResource, UserResource } from './users.ts'

const LoginInput = Type.Object({
  Username: Maybe(Type.String()),
  Password: Maybe(Type.String()),
  RememberMe: Maybe(Type.Boolean()),
  State: Maybe(Type.Object({ UsingSecureConnection: Maybe(Type.Boolean()) })),
})

/** Signing in and out, and tokens for programs. */
export function signInRoutes(app: App, { signIn, identity, prefix }: HttpParts): void {
  const names = cookieNames(identity.installationId)
  const path = prefix === '' ? '/' : prefix

  function setCookies(
    reply: FastifyReply,
    { session, secret }: NewSession,
    { secure, remember }: { secure: boolean; remember: boolean },
  ): void {
    const shared = {
      path,
      sameSite: 'lax' as const,
      secure,
      ...(remember && { maxAge: sessionMs.remembered / 1000 }),
    }
    void reply.setCookie(names.session, secret, { ...shared, httpOnly: true })
    // Read by scripts, which must repeat it in a header.
    void reply.setCookie(names.csrf, session.csrfToken, { ...shared, httpOnly: false })
  }

  app.post(
    '/api/users/login',
    { config: { permission: 'anonymous' }, schema: { body: LoginInput, response: { 200: UserResource } } },
    async ({ body, ip, protocol, caller }, reply) => {
      const { Username: username, Password: password, RememberMe: rememberMe } = body
      if (!username || !password) throw invalid('Username and Password are required.')
      const remember = rememberMe === true
      const session = await signIn.withPassword({ username, password, rememberMe: remember, address: ip })
      // The session that this one replaces in the browser would live on unseen.
      if (caller?.session !== undefined) await signIn.signOut(caller.session.id)
      setCookies(reply, session, { secure: protocol === 'https', remember })
      return toUserResource(session.user, session.user)
    },
  )

  app.post(
    '/api/users/logout',
    { config: { permission: 'anonymous' }, schema: { response: { 200: Nothing } } },
    async ({ caller }, reply) => {
      if (caller?.session !== undefined) await signIn.signOut(caller.session.id)
      void reply.clearCookie(names.session, { path })
      void reply.clearCookie(names.csrf, { path })
      return {}
    },
  )

  app.post(
    '/api/users/access-token',
    {
      config: { permission: 'signed-in' },
      schema: { response: { 200: Type.Object({ AccessToken: Type.String() }) } },
    },
    async ({ user }) => ({ AccessToken: (await signIn.issueAccessToken(user)).secret }),
  )
}
