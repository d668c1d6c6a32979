import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'

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

/** Serves the built portal as the server does: files by name, every other address is the page itself. */
export async function serveFiles(
  dist: string,
  folder: string,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const type = types[extname(path)]
  const isFile = type !== undefined && path !== '/index.html'
  const file = join(dist, isFile ? normalize(path) : 'index.html')
  try {
    const bytes = await readFile(file)
    response.writeHead(200, {
      'Content-Type': type ?? 'text/html; charset=utf-8',
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
    })
    response.end(
      isFile ? bytes : bytes.toString().replace('<base href="/app/"', `<base href="${folder}/app/"`),
    )
  } catch {
    response.writeHead(404).end()
  }
}
