import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import type { App } from './app-types.ts'

const missingPortal = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Server</title></head>
<body><h1>The server is running</h1>
<p>The portal's files are not there (build them with <code>npm run build:portal</code>, or give their folder with
<code>--portal</code>). The REST API is at <a href="PREFIX/api">PREFIX/api</a>.</p></body></html>
`

/** True when the folder holds a built portal. */
export function hasPortal(folder: string | undefined): folder is string {
  return (
    folder !== undefined && statSync(join(folder, 'index.html'), { throwIfNoEntry: false })?.isFile() === true
  )
}

/**
 * Serves the portal below `/app/`. Its page comes for every address there that is no file, because the portal has
 * addresses of its own; `/` leads to it.
 */
export function addPortalRoutes(
  app: App,
  { folder, prefix }: { readonly folder: string | undefined; readonly prefix: string },
): void {
  const page = (): string => {
    if (!hasPortal(folder)) return missingPortal.replaceAll('PREFIX', prefix)
    // Read anew each time: the portal can be built again while the server runs.
    return readFileSync(join(folder, 'index.html'), 'utf8').replace(
      '<base href="/app/"',
      `<base href="${prefix}/app/"`,
    )
  }
  const sendPage = (reply: FastifyReply): FastifyReply =>
    reply.header('Cache-Control', 'no-cache').type('text/html; charset=utf-8').send(page())

  app.get('/', async (_request, reply) => reply.redirect(`${prefix}/app`))
  app.get('/app', async (_request, reply) => sendPage(reply))
  if (!hasPortal(folder)) return
  void app.register(fastifyStatic, {
    root: folder,
    serve: false,
    // File names in `assets` change with their contents.
    maxAge: '365d',
    immutable: true,
  })
  app.get<{ Params: { '*': string } }>('/app/*', async (request, reply) => {
    const path = request.params['*']
    const isFile = path !== '' && path !== 'index.html' && isFileInside(folder, path)
    if (!isFile) return sendPage(reply)
    return path.startsWith('assets/')
      ? reply.sendFile(path)
      : reply.sendFile(path, { maxAge: 0, immutable: false })
  })
}

/** Only asks whether there is a file; what leads out of the folder is refused by whoever sends it. */
function isFileInside(folder: string, path: string): boolean {
  if (path.split(/[\\/]/).includes('..') || path.includes('\0')) return false
  return statSync(join(folder, path), { throwIfNoEntry: false })?.isFile() === true
}
