import { readdirSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { extname, join, relative } from 'node:path'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.md': 'text/markdown; charset=utf-8',
}

/** The strictest policy under which the portal must work: nothing inline, nothing from elsewhere. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** The files of a built portal by their path, such as `/assets/index.js`. */
export type StaticFiles = ReadonlyMap<string, Buffer>

/** Reads a built portal whole, so that a build that runs meanwhile disturbs no test. */
export function readFiles(dist: string): StaticFiles {
  const entries = readdirSync(dist, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = entries.map(entry => join(entry.parentPath, entry.name))
  return new Map(paths.map(path => [`/${relative(dist, path)}`, readFileSync(path)]))
}

/** Serves the built portal as the server does: files by name, every other address is the page itself. */
export function serveFile(files: StaticFiles, folder: string, path: string, response: ServerResponse): void {
  const isPage = path === '/index.html' || !files.has(path)
  const bytes = files.get(isPage ? '/index.html' : path)
  const type = isPage ? types['.html'] : types[extname(path)]
  response.writeHead(200, {
    'Content-Type': type ?? 'application/octet-stream',
    'Content-Security-Policy': contentSecurityPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': isPage ? 'no-cache' : cacheControl(path),
  })
  response.end(
    isPage ? bytes?.toString().replace('<base href="/app/"', `<base href="${folder}/app/"`) : bytes,
  )
}

/** As the server says it: names in `assets` change with their contents. Without it each page would compile its code anew. */
function cacheControl(path: string): string {
  return path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'public, max-age=0'
}
