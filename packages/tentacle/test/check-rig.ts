import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { createRig, type Rig, type RunOptions } from './rig.ts'

const files = join(import.meta.dirname, 'fixtures/files')

/** The thumbprints of `agent.pfx` and `server.crt`. */
export const agentThumbprint = '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'
export const serverThumbprint = 'F707A54CCF7EBF375B8D90A8FD90402FDC1C9295'

/** One finding as `--format=json` shows it. */
export interface Shown {
  readonly Section: string
  readonly Id: string
  readonly Status: string
  readonly Tried: string
  readonly Detail: string
  readonly Next: string | null
}

/** What a check printed for programs. */
export interface Checked {
  readonly exitCode: number
  readonly healthy: boolean
  readonly stdout: string
  readonly stderr: string
  readonly all: readonly Shown[]
  /** The only finding of that id. */
  of(id: string): Shown
}

/** An instance `T` with the certificate of the fixtures. */
export async function createAgentRig(t: TestContext): Promise<Rig> {
  const rig = await createRig(t)
  const instance = ['--instance', 'T', '--config', rig.at('home/T.config'), '--home', rig.at('home')]
  await demand(rig, 'create-instance', ...instance)
  await demand(rig, 'import-certificate', '--instance', 'T', '--from-file', join(files, 'agent.pfx'))
  return rig
}

/** Lets the instance poll a server, without asking anybody. */
export async function pollFrom(rig: Rig, address: string, thumbprint = serverThumbprint): Promise<void> {
  const url = new URL(address)
  const where =
    url.protocol === 'wss:' ? ['--web-socket', address] : ['--host', url.hostname, '--port', url.port]
  await demand(rig, 'configure', '--instance=T', '--noListen=True', `--trust=${thumbprint}`)
  await demand(
    rig,
    'server-comms',
    '--instance=T',
    `--thumbprint=${thumbprint}`,
    '--style=TentacleActive',
    ...where,
  )
}

export async function demand(rig: Rig, ...argv: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await rig.run(argv)
  assert.equal(exitCode, 0, `${argv.join(' ')}: ${stdout}${stderr}`)
}

export async function runCheck(
  rig: Rig,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Checked> {
  const { exitCode, stdout, stderr } = await rig.run(['check', '--format=json', ...args], options)
  const report: { Healthy: boolean; Checks: Shown[] } = JSON.parse(stdout)
  return {
    exitCode,
    stdout,
    stderr,
    healthy: report.Healthy,
    all: report.Checks,
    of(id) {
      const [found, second] = report.Checks.filter(({ Id }) => Id === id)
      assert.ok(found !== undefined && second === undefined, `one finding '${id}' in ${stdout}`)
      return found
    },
  }
}

/** A port of the loopback address that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

/** Listens; each connection goes to the function. Everything ends with the test. */
export async function startTcp(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  return await start(t, createServer(onSocket))
}

/** Listens by TLS with a certificate of the fixtures. */
export async function startTls(
  t: TestContext,
  certificate: 'server' | 'inspected',
  onSocket: (socket: Socket) => void,
): Promise<number> {
  const [cert, key] = ['crt', 'key'].map(kind => readFileSync(join(files, `${certificate}.${kind}`)))
  return await start(
    t,
    createTlsServer(
      { ...(cert && key && { cert, key }), requestCert: true, rejectUnauthorized: false },
      onSocket,
    ),
  )
}

async function start(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  for (const event of ['secureConnection', 'tlsClientError']) {
    server.on(event, (...parts: unknown[]) => {
      for (const part of parts) if (part instanceof Socket) part.on('error', () => {})
    })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return portOf(server)
}

/** A small HTTP proxy: makes tunnels, or gives every request the same answer. */
export async function startProxy(
  t: TestContext,
  answer?: string,
): Promise<{ readonly port: number; readonly requests: readonly string[] }> {
  const requests: string[] = []
  const port = await startTcp(t, socket => {
    socket.once('data', data => {
      requests.push(data.toString())
      if (answer !== undefined) return void socket.end(answer)
      const [, target] = /^CONNECT \S+:(\d+) /.exec(data.toString()) ?? []
      const far = connect(Number(target), '127.0.0.1', () => {
        socket.write('HTTP/1.0 200 Connection established\r\n\r\n')
        socket.pipe(far).pipe(socket)
      })
      far.on('error', () => socket.destroy())
      socket.on('close', () => far.destroy())
    })
  })
  return { port, requests }
}

/** A port whose packets are dropped: its queue is full, and its process never takes anybody out. */
export async function startBlackHole(t: TestContext): Promise<number> {
  const script = `
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, server.address().port + '\\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const port = Number(String(line))
  while (await connects(t, port));
  return port
}

/** Opens a connection that stays until the test ends. Whoever is not let in at once here finds the queue full. */
async function connects(t: TestContext, port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  const late = Symbol('late')
  const timer = Promise.withResolvers<typeof late>()
  const timeout = setTimeout(() => timer.resolve(late), 500)
  const first = await Promise.race([once(socket, 'connect'), timer.promise])
  clearTimeout(timeout)
  return first !== late
}

function portOf(server: Server): number {
  const address = server.address() as AddressInfo
  return address.port
}
