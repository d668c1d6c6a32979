import { fastify } from 'fastify'

/** Nobody but programs of this machine may ask: the numbers need no password there. */
const host = '127.0.0.1'

/** What is shown. */
export interface MetricsPage {
  readonly contentType: string
  text(): Promise<string>
}

/** An open port. */
export interface MetricsServer {
  readonly port: number
  close(): Promise<void>
}

/**
 * Answers `GET /metrics` on the loopback address.
 *
 * @throws the system's error when the port cannot be opened
 */
export async function serveMetrics(port: number, { contentType, text }: MetricsPage): Promise<MetricsServer> {
  const app = fastify({ forceCloseConnections: true })
  app.get('/metrics', async (_request, reply) => {
    reply.header('Content-Type', contentType).header('Cache-Control', 'no-store')
    return text()
  })
  await app.listen({ port, host })
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => app.close(),
  }
}
