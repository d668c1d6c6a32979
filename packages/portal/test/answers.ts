import type { IncomingMessage, ServerResponse } from 'node:http'

/** A document as the API sends it. */
export type Doc = Record<string, unknown>

/** Sends a JSON answer. */
export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  response.end(JSON.stringify(body))
}

/** Sends the part of a list that the query asks for. */
export function sendPage(
  response: ServerResponse,
  all: readonly Doc[],
  query: URLSearchParams,
  extra: Doc = {},
): void {
  const skip = Number(query.get('skip') ?? 0)
  const take = Number(query.get('take') ?? 30)
  send(response, 200, { ...extra, TotalResults: all.length, Items: all.slice(skip, skip + take), Links: {} })
}

/** The whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The body of a request as an object. */
export async function readJson(request: IncomingMessage): Promise<Doc> {
  const parsed: unknown = JSON.parse((await readBody(request)).toString() || '{}')
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
}

/** The cookies of a request by name. */
export function readCookies(request: IncomingMessage): Map<string, string> {
  const parts = (request.headers.cookie ?? '').split(';').map(part => part.trim().split('='))
  return new Map(parts.map(([name = '', value = '']) => [name, value]))
}
