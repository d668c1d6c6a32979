import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventHub } from './event-hub.ts'
import { followLists } from './list-feed.ts'

test('a slow reader of the lists gets the last state of each thing only', async () => {
  const hub = createEventHub()
  const leaving = new AbortController()
  const feed = followLists(hub, { signal: leaving.signal, quietMs: 60_000 })
  assert.deepEqual((await feed.next()).value, [{ kind: 'quiet' }])
  hub.publish({ kind: 'machine', machineId: 'Machines-1', change: 'added' })
  hub.publish({ kind: 'machine', machineId: 'Machines-2', change: 'added' })
  hub.publish({ kind: 'log', taskId: 'ServerTasks-1' })
  for (let index = 0; index < 10_000; index++) {
    hub.publish({ kind: 'machine', machineId: 'Machines-1', change: 'changed' })
  }
  assert.deepEqual((await feed.next()).value, [
    { kind: 'machine', machineId: 'Machines-1', change: 'changed' },
    { kind: 'machine', machineId: 'Machines-2', change: 'added' },
  ])
  leaving.abort()
  await feed.return(undefined)
})
