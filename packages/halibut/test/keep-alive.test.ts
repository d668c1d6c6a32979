import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { pair, until } from './runtimes.ts'

const isLinux = process.platform === 'linux'

/** A TCP connection of this process, as the kernel's table shows it. */
interface KernelSocket {
  readonly localPort: number
  readonly remotePort: number
  readonly inode: string
  /** Which timer of the kernel runs for it. */
  readonly timer: 'none' | 'keep-alive' | 'another'
  readonly timerMs: number
}

function establishedSockets(): KernelSocket[] {
  const portOf = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16)
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(table =>
    readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '01')
      .map(([, local, remote, , , timer = '', , , , inode = '']) => ({
        localPort: portOf(local),
        remotePort: portOf(remote),
        inode,
        timer: timer.startsWith('00:') ? 'none' : timer.startsWith('02:') ? 'keep-alive' : 'another',
        timerMs: Number.parseInt(timer.split(':')[1] ?? '', 16) * 10,
      })),
  )
}

/** Both ends of the connections to a port of this process. */
function socketsOf(port: number): KernelSocket[] {
  return establishedSockets().filter(socket => socket.localPort === port || socket.remotePort === port)
}

/** Asks another process, which is given the sockets, what their options are: Node itself does not tell. */
function keepAliveOptions(sockets: readonly KernelSocket[]): number[][] {
  const links = new Map(
    readdirSync('/proc/self/fd').flatMap(fd => {
      try {
        return [[readlinkSync(`/proc/self/fd/${fd}`), Number(fd)]]
      } catch {
        return []
      }
    }),
  )
  const descriptors = sockets.map(({ inode }) => links.get(`socket:[${inode}]`) ?? assert.fail(inode))
  const program = `
import socket
t = socket.IPPROTO_TCP
for fd in range(3, ${3 + descriptors.length}):
    s = socket.socket(fileno=fd)
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), s.getsockopt(t, socket.TCP_KEEPIDLE),
          s.getsockopt(t, socket.TCP_KEEPINTVL), s.getsockopt(t, socket.TCP_KEEPCNT))
    s.detach()`
  const answer = execFileSync('python3', ['-c', program], {
    stdio: ['ignore', 'pipe', 'inherit', ...descriptors],
    encoding: 'utf8',
  })
  return answer
    .trim()
    .split('\n')
    .map(line => line.split(' ').map(Number))
}

for (const mode of ['listening', 'polling'] as const) {
  const skip = !isLinux && 'there is no /proc/net/tcp to look into'
  test(`halibut 13.56, 14.41: ${mode}: the kernel probes silent connections of both sides, unless that is off`, {
    skip,
  }, async t => {
    const { call, port } = await pair(t, mode)
    await call.sayHello('a')
    // While bytes are on their way the timer is that of repeating them.
    const isAnother = ({ timer }: KernelSocket) => timer !== 'none' && timer !== 'keep-alive'
    await until(() => !socketsOf(port).some(isAnother), 'silence')
    const sockets = socketsOf(port)
    assert.equal(sockets.length, 2, 'one connection, both ends of which are here')
    for (const { timer, timerMs } of sockets) {
      assert.equal(timer, 'keep-alive')
      assert.ok(timerMs > 5000 && timerMs <= 15_000, `${timerMs} ms`)
    }
    const limits = { tcpKeepAliveEnabled: false }
    const without = await pair(t, mode, { client: { limits }, service: { limits } })
    await without.call.sayHello('a')
    await until(() => !socketsOf(without.port).some(isAnother), 'silence')
    assert.deepEqual(
      socketsOf(without.port).map(({ timer }) => timer),
      ['none', 'none'],
    )
  })
}

const hasPython = isLinux && spawnSync('python3', ['--version']).status === 0
test('halibut 13.56: time, interval and number of the probes are the chosen ones on both sides', {
  skip: !hasPython && 'python3, which reads socket options, is not there',
}, async t => {
  const usual = await pair(t, 'listening')
  await usual.call.sayHello('a')
  const limits = { tcpKeepAliveTimeMs: 7000, tcpKeepAliveIntervalMs: 3000, tcpKeepAliveRetryCount: 4 }
  const chosen = await pair(t, 'listening', { client: { limits }, service: { limits } })
  await chosen.call.sayHello('a')
  const sockets = [...socketsOf(usual.port), ...socketsOf(chosen.port)]
  const [ours, theirs] = [
    [1, 15, 5, 10],
    [1, 7, 3, 4],
  ]
  assert.deepEqual(keepAliveOptions(sockets), [ours, ours, theirs, theirs])
})
