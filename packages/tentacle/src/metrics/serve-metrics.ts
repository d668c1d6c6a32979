import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { systemCode, toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import { metricsContentType } from './exposition.ts'

/** Nobody but programs of this machine may ask. */
const host = '127.0.0.1'

/** How long a client may take over its request, in ms. */
const requestTimeoutMs = 5000

/** More clients than this are hung up on: one or two monitoring programs are usual. */
const maximumConnections = 32

/** What is answered. */
export interface MetricsPages {
  /** The text of `/metrics`. */
  readonly metrics: () => Promise<string>
  /** What is wrong with the agent, for `/livez`; undefined if nothing is. */
  readonly trouble: () => Promise<string | undefined>
}

/** An open port. */
export interface MetricsServer {
  close(): Promise<void>
}

/**
 * Answers `GET /metrics` and `GET /livez` on the loopback address. A port that cannot be opened is logged with what to
 * do; the agent goes on without.
 */
export async function serveMetrics(
  port: number,
  pages: MetricsPages,
  log: Log,
): Promise<MetricsServer | undefined> {
  const server = createServer(
    {
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: requestTimeoutMs,
      maxHeaderSize: 8192,
    },
    (request, response) => {
      answer(request, response, pages).catch(error => {
        log.warn(`Metrics could not be collected: ${toError(error).message}`)
        send(response, 500, 'The metrics could not be collected; the log of the agent says why.\n')
      })
    },
  )
  server.maxConnections = maximumConnections
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ port, host }, resolve)
    })
  } catch (error) {
    log.error(explain(error, port))
    return undefined
  }
  server.on('error', error => log.warn(`The port for metrics: ${error.message}`))
  log.info(`Metrics are shown at http://${host}:${port}/metrics`)
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: MetricsPages,
): Promise<void> {
  const [path] = (request.url ?? '').split('?', 1)
  if (path !== '/metrics' && path !== '/livez') {
    send(response, 404, 'There are /metrics and /livez.\n')
  } else if (request.method !== 'GET') {
    response.setHeader('Allow', 'GET')
    send(response, 405, 'Only GET is answered.\n')
  } else if (path === '/metrics') {
    send(response, 200, await pages.metrics(), metricsContentType)
  } else {
    const trouble = await pages.trouble()
    send(response, trouble === undefined ? 200 : 503, `${trouble ?? 'ok'}\n`)
  }
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(text)
}

function explain(error: unknown, port: number): string {
  const change = "choose another with 'Tentacle configure --metricsPort=NUMBER'"
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return `Metrics are not shown: port ${port} of ${host} is used by another program. Stop that, or ${change}, and restart the agent.`
    case 'EACCES':
      return `Metrics are not shown: port ${port} of ${host} may not be opened by this account. Use a port from 1024 on: ${change}, and restart the agent.`
    default:
      return `Metrics are not shown: port ${port} of ${host} cannot be opened: ${toError(error).message}. If that stays so, ${change}.`
  }
}
