import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { runtime } from './runtimes.ts'

/** How many connections the system lets wait for a program; undefined where it does not say. */
function systemBacklog(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  } catch {
    return undefined
  }
}

/** Connections to a local port that the system has not made yet: state 2 is "SYN sent". */
function unanswered(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to?.endsWith(remote) && state === '02').length
}

const arrivals = 1500
const backlog = systemBacklog()

test('a thousand services that come back in the same moment find a listener that takes them all', {
  skip: backlog === undefined || backlog < arrivals ? 'this system lets fewer connections wait' : false,
}, async t => {
  const halibut = await runtime(t, 'service')
  const { port } = await halibut.listen({ port: 0, host: '127.0.0.1' })
  // Node connects at the end of this tick; the listener's turn to accept comes only after that.
  const sockets = Array.from({ length: arrivals }, () => connect({ port, host: '127.0.0.1' }))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.on('error', () => {})
  await new Promise<void>(resolve => process.nextTick(resolve))
  assert.equal(unanswered(port), 0)
})
