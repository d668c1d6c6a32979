import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { closeAfter } from './closing.ts'

const packages = join(import.meta.dirname, '../..')
const launcher = join(packages, 'tentacle/bin/Tentacle')

/** The product's own server as a process, with the built portal. */
export interface RealServer {
  readonly url: string
  readonly commsPort: number
  readonly adminPassword: string
}

/** Starts a server in a folder of its own; it is ended and removed after the test. */
export async function startRealServer(t: TestContext, dist: string): Promise<RealServer> {
  const adminPassword = 'Only-for-this-test-1'
  const home = temporaryFolder(t, 'portal-server-')
  const args = [
    'run',
    '--home',
    home,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--comms-port',
    '0',
    '--portal',
    dist,
  ]
  const server = spawn(
    process.execPath,
    [join(packages, 'server/bin/start.mjs'), ...args, '--format', 'json'],
    {
      env: { ...process.env, OCTOPUS_SERVER_ADMIN_PASSWORD: adminPassword },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  closeAfter(t, () => end(server))
  for await (const line of createInterface(server.stdout)) {
    const entry: unknown = JSON.parse(line)
    if (!isReady(entry)) continue
    // What it prints later is not wanted, but must not fill the pipe.
    server.stdout.resume()
    return { url: entry.web.replace(/\/?$/, '/'), commsPort: entry.comms, adminPassword }
  }
  throw new Error('The server ended before it was ready.')
}

function isReady(entry: unknown): entry is { web: string; comms: number } {
  return typeof entry === 'object' && entry !== null && 'event' in entry && entry.event === 'ready'
}

/**
 * Runs commands as a page shows them, with the product's own agent, in a folder of the test's own instead of the system's
 * folders. `Tentacle run` goes on until the test ends.
 */
export async function runShownCommands(t: TestContext, commands: readonly string[]): Promise<void> {
  const folder = temporaryFolder(t, 'portal-agent-')
  const env = { ...process.env, TentacleMachineConfigurationHomeDirectory: folder }
  for (const command of commands) {
    const text = command
      .replaceAll('sudo Tentacle', `'${launcher}'`)
      .replaceAll('/etc/octopus', folder)
      .replaceAll('/home/Octopus', folder)
    if (/^'[^']*' run /.test(text)) {
      // Its input stays open: the end of it would tell the agent to stop.
      const agent = spawn('sh', ['-c', `exec ${text}`], { env, stdio: ['pipe', 'ignore', 'inherit'] })
      closeAfter(t, () => end(agent))
    } else {
      await promisify(execFile)('sh', ['-e', '-c', text], { env })
    }
  }
}

function temporaryFolder(t: TestContext, prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  closeAfter(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  const ended = once(process, 'exit')
  process.kill('SIGTERM')
  await ended
}
