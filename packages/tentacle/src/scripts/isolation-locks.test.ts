import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScriptIsolationLevel } from '@tentacle/contracts'
import { IsolationLocks, type LockAnswer } from './isolation-locks.ts'

/** Asks for a lock, and notes in `order` when it is given. */
function asker(locks: IsolationLocks, order: string[]) {
  return (
    ticket: string,
    level: ScriptIsolationLevel,
    more: { timeoutMs?: number; signal?: AbortSignal; name?: string } = {},
  ) =>
    locks
      .acquire({
        name: more.name ?? 'n',
        holder: { ticket, taskId: `task-${ticket}`, level },
        signal: more.signal ?? new AbortController().signal,
        timeoutMs: more.timeoutMs,
      })
      .then(answer => {
        order.push(`${ticket} ${answer.t}`)
        return answer
      })
}

function release(answer: LockAnswer): void {
  assert.equal(answer.t, 'held')
  if (answer.t === 'held') answer.lease.release()
}

test('serves in order: whoever comes after a waiting writer waits behind it', async () => {
  const order: string[] = []
  const locks = new IsolationLocks()
  const ask = asker(locks, order)
  const reader = await ask('r1', 'NoIsolation')
  const writer = ask('w', 'FullIsolation')
  const late = ask('r2', 'NoIsolation')
  const later = ask('r3', 'NoIsolation')
  assert.deepEqual(
    locks.before('n', 'r2').map(holder => holder.ticket),
    ['r1', 'w'],
  )
  release(reader)
  release(await writer)
  await Promise.all([late, later])
  assert.deepEqual(order, ['r1 held', 'w held', 'r2 held', 'r3 held'])
  assert.deepEqual(
    locks.holders('n').map(holder => holder.ticket),
    ['r2', 'r3'],
  )
})

test('lets the others go on when a waiting writer gives up', async () => {
  const order: string[] = []
  const locks = new IsolationLocks()
  const ask = asker(locks, order)
  const cancel = new AbortController()
  await ask('r1', 'NoIsolation')
  const writer = ask('w', 'FullIsolation', { signal: cancel.signal })
  const reader = ask('r2', 'NoIsolation')
  cancel.abort()
  await Promise.all([writer, reader])
  assert.deepEqual(order.sort(), ['r1 held', 'r2 held', 'w cancelled'])
})

test('ends waiting in time, and takes a free lock even without any', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const locks = new IsolationLocks()
  const ask = asker(locks, [])
  const holder = await ask('w', 'FullIsolation', { timeoutMs: 0 })
  const late = ask('r', 'NoIsolation', { timeoutMs: 60_000 })
  t.mock.timers.tick(59_999)
  assert.deepEqual(
    locks.before('n', 'r').map(one => one.ticket),
    ['w'],
  )
  t.mock.timers.tick(1)
  assert.deepEqual(await late, { t: 'timed-out' })
  release(holder)
  assert.deepEqual(locks.holders('n'), [])
})

test('releases once however often it is told to, and refuses who was cancelled before', async () => {
  const locks = new IsolationLocks()
  const ask = asker(locks, [])
  const first = await ask('a', 'FullIsolation')
  release(first)
  const second = await ask('b', 'FullIsolation')
  release(first)
  assert.deepEqual(
    locks.holders('n').map(holder => holder.ticket),
    ['b'],
  )
  assert.deepEqual(await ask('c', 'NoIsolation', { signal: AbortSignal.abort() }), { t: 'cancelled' })
  release(second)
})

test('gives the lock back to all who held it under the agent before', async () => {
  const locks = new IsolationLocks()
  const ask = asker(locks, [])
  const readers = ['a', 'b'].map(ticket => locks.adopt('n', { ticket, taskId: '', level: 'NoIsolation' }))
  let isServed = false
  const writer = ask('w', 'FullIsolation').then(answer => {
    isServed = true
    return answer
  })
  readers[0]?.release()
  await Promise.resolve()
  assert.equal(isServed, false)
  readers[1]?.release()
  release(await writer)
})
