import type { IncomingMessage } from 'node:http'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import fastify, { type FastifyBaseLogger, type FastifyRequest, LogController } from 'fastify'
import { ServerError } from '../errors.ts'
import type { Space } from '../model/space.ts'
import type { App } from './app-types.ts'
import { type Authenticator, cookieNames, createAccessCheck } from './authentication.ts'
import { answerError } from './error-answers.ts'
import { defaultSpaceSegment, type RewrittenRequest, rewriteRequest } from './rewrite-request.ts'
import { createRouteTable } from './route-table.ts'
import { serializerCompiler } from './serialization.ts'
import { validatorCompiler } from './validation.ts'
import { prefixLinks } from './web-prefix.ts'

/** What the web server needs besides its routes. */
export interface AppOptions {
  readonly authenticator: Authenticator
  /** Finds a space by id, slug or name; null: the default space. */
  readonly findSpace: (text: string | null) => Promise<Space | undefined>
  readonly installationId: string
  /** `/octopus` or ''. */
  readonly prefix: string
  readonly logger: FastifyBaseLogger
}

/** Bodies of JSON requests; package uploads are streams without a limit. */
const maxJsonBytes = 16 * 1024 * 1024

/** The settings of connections: docs/wire/server-api.md, HTTP server. */
const connections = {
  // Clients keep sockets for two minutes; a socket that we close while they use it again is an error to them.
  keepAliveTimeout: 130_000,
  // A package upload over a slow line takes as long as it takes.
  requestTimeout: 0,
  // Lists of ids make long addresses, cookies long headers.
  http: { headersTimeout: 135_000, maxHeaderSize: 64 * 1024 },
}

function parseJson(
  _request: FastifyRequest,
  body: string | Buffer,
  done: (error: Error | null, value?: unknown) => void,
): void {
  const text = body.toString().replace(/^\uFEFF/, '')
  try {
    done(null, text.trim() === '' ? undefined : JSON.parse(text))
  } catch (error) {
    const message = `The body is not valid JSON: ${error instanceof Error ? error.message : error}`
    done(new ServerError('ERR_INVALID_INPUT', message, { cause: error }))
  }
}

/** Makes the web server with its routes, ready to `listen` or `inject`. Close it with `close()`. */
export async function createApp(
  { authenticator, findSpace, installationId, prefix, logger }: AppOptions,
  addRoutes: (app: App) => void,
): Promise<App> {
  const table = createRouteTable()
  const rewritten = new WeakMap<IncomingMessage, RewrittenRequest>()
  const spaces = new WeakMap<FastifyRequest, Space>()

  const app: App = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxJsonBytes,
    routerOptions: { caseSensitive: false, maxParamLength: 4096 },
    ...connections,
    rewriteUrl(raw) {
      const result = rewriteRequest(raw, prefix, table)
      if (result === undefined) return '/outside-of-the-web-prefix'
      raw.method = result.method
      rewritten.set(raw, result)
      return result.url
    },
  })

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler<Parameters<typeof answerError>[0]>(answerError)
  app.addHook('onRoute', route => table.add(route))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson)
  await app.register(cookie)
  await app.register(multipart, {
    limits: { fileSize: Number.POSITIVE_INFINITY, parts: 100, headerPairs: 100 },
  })
  await app.register(helmet, helmetOptions)

  app.decorateRequest('caller', null)
  app.decorateRequest('address', '')
  app.decorateRequest('spaceInAddress', null)
  app.decorateRequest('user', {
    getter() {
      if (this.caller !== null) return this.caller.user
      throw new ServerError('ERR_UNAUTHENTICATED', 'You must be signed in for this.')
    },
  })
  app.decorateRequest('space', {
    getter() {
      const space = spaces.get(this)
      if (space === undefined)
        throw new Error(`The route ${this.routeOptions.url} does not belong to a space.`)
      return space
    },
  })

  app.addHook('onRequest', async request => {
    request.address = rewritten.get(request.raw)?.address ?? request.originalUrl
  })
  app.addHook('onRequest', createAccessCheck(authenticator, cookieNames(installationId).session))
  app.addHook('onRequest', async request => {
    const spaceText = rewritten.get(request.raw)?.spaceText ?? null
    const isSpaceRoute = request.routeOptions.url?.startsWith('/api/:space') === true
    // A word that is no space stands where one should: /api/tasks/projects/all.
    if (isSpaceRoute && spaceText === null)
      throw new ServerError(
        'ERR_NOT_FOUND',
        `No space is named where one belongs: ${request.address.split('?', 1)[0]}`,
      )
    if (spaceText === null || request.routeOptions.config.permission === undefined) return
    const space = await findSpace(spaceText === defaultSpaceSegment ? null : spaceText)
    if (space === undefined) {
      const message =
        spaceText === defaultSpaceSegment
          ? 'There is no default space. Put the id of a space into the address: /api/Spaces-1/…'
          : `There is no space '${spaceText}', or it is not visible to you.`
      throw new ServerError('ERR_NOT_FOUND', message)
    }
    if (isSpaceRoute) spaces.set(request, space)
    else request.spaceInAddress = space
  })
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/api')) void reply.header('Cache-Control', 'no-store')
  })
  if (prefix !== '')
    app.addHook('preSerialization', async (_request, _reply, payload) => prefixLinks(payload, prefix))
  app.addHook('onResponse', async (request, reply) => {
    const facts = {
      method: request.method,
      // Without the query: it may hold an API key.
      path: request.address.split('?', 1)[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      user: request.caller?.user.username,
      address: request.ip,
    }
    request.log.debug(facts, 'Request answered')
  })

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = table.methodsFor(path)
    const status = methods.length > 0 ? 405 : 404
    if (methods.length > 0) void reply.header('Allow', methods.join(', '))
    const ErrorMessage =
      status === 405
        ? `${request.method} is not possible here; ${methods.join(', ')} ${methods.length > 1 ? 'are' : 'is'}.`
        : `There is nothing at ${request.address.split('?', 1)[0]}.`
    void reply.status(status).send({ ErrorMessage })
  })
  addRoutes(app)
  await app.ready()
  return app
}

/** The portal is made of own files only; the server may be reached by plain HTTP, so nothing is upgraded. */
const helmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
  crossOriginEmbedderPolicy: false,
  originAgentCluster: false,
}
