import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { type RunningServer, type ServerOptions, startServer } from '../src/start-server.ts'
import { adminPassword, type Client, createAdminKey, createClient } from './client.ts'

/** A home folder after a first start, and a key of its administrator. */
interface Template {
  readonly folder: string
  readonly apiKey: string
}

let template: Promise<Template> | undefined

/** Making the certificate, the hash of the password and a sign-in for each test would cost seconds. */
async function makeTemplate(): Promise<Template> {
  const folder = await mkdtemp(join(tmpdir(), 'server-home-'))
  const server = await startServer({ home: folder, port: 0, commsPort: 0, adminPassword })
  const apiKey = await createAdminKey(server.url)
  await server.stop()
  return { folder, apiKey }
}

// At the top of the file, so that it belongs to all tests and not to the one that happens to need it first.
after(async () => {
  if (template !== undefined) await rm((await template).folder, { recursive: true, force: true })
})

export interface TestServer extends RunningServer {
  readonly home: string
  /** A key of the administrator. */
  readonly apiKey: string
  /** Who calls with it. */
  readonly client: Client
}

/** A server on ports of its own, ended and removed after the test. */
export async function startTestServer(
  t: TestContext,
  options: Partial<ServerOptions> = {},
): Promise<TestServer> {
  template ??= makeTemplate()
  const home = await mkdtemp(join(tmpdir(), 'server-'))
  const { folder, apiKey } = await template
  await cp(folder, home, { recursive: true })
  const server = await startServer({ home, port: 0, commsPort: 0, ...options })
  t.after(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })
  const client = createClient(server.url, { 'X-Octopus-ApiKey': apiKey })
  return { ...server, home, apiKey, client, stop: server.stop }
}
