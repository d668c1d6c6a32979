import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { type RunningServer, type ServerOptions, startServer } from '../src/start-server.ts'

export const adminPassword = 'Secret-1'

let template: Promise<string> | undefined

/** A home folder after a first start: making the key and the hash for each test would cost seconds. */
async function makeTemplate(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'server-home-'))
  const server = await startServer({ home: folder, port: 0, commsPort: 0, adminPassword })
  await server.stop()
  return folder
}

// At the top of the file, so that it belongs to all tests and not to the one that happens to need it first.
after(async () => {
  if (template !== undefined) await rm(await template, { recursive: true, force: true })
})

export interface TestServer extends RunningServer {
  readonly home: string
}

/** A server on ports of its own, ended and removed after the test. */
export async function startTestServer(
  t: TestContext,
  options: Partial<ServerOptions> = {},
): Promise<TestServer> {
  template ??= makeTemplate()
  const home = await mkdtemp(join(tmpdir(), 'server-'))
  await cp(await template, home, { recursive: true })
  const server = await startServer({ home, port: 0, commsPort: 0, ...options })
  t.after(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })
  return { ...server, home, stop: server.stop }
}
