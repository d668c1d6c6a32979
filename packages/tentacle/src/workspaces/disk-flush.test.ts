import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DiskFlush } from './disk-flush.ts'
import { workspaceOf } from './script-workspace.ts'

const [one, two, three] = ['one', 'two', 'three'].map(name => workspaceOf(join('/home/Work', name)))

test('brings files to the disk before the folders that name them, one after the other, each workspace once', async () => {
  assert.ok(one && two && three)
  const synced: string[] = []
  let busy = 0
  const flush = new DiskFlush({
    delayMs: 60_000,
    sync: async path => {
      assert.equal(++busy, 1, 'one at a time')
      await Promise.resolve()
      synced.push(path)
      busy--
      if (path === two.log) throw new Error('a script has deleted it')
    },
  })
  for (const workspace of [one, two, one, three, one]) flush.request(workspace)
  flush.forget(three)
  await flush.close()
  const names = [
    'Output.log',
    '.tentacle/start.json',
    '.tentacle/progress',
    'scriptstate.json',
    'Bootstrap.sh',
    'Bootstrap.ps1',
  ]
  const of = (folder: string) => [
    ...names.map(name => join(folder, name)),
    join(folder, '.tentacle'),
    folder,
    '/home/Work',
  ]
  assert.deepEqual(synced, [...of(one.folder), ...of(two.folder)])
})

test('takes up again what is asked for while it is at work', async () => {
  assert.ok(one && two)
  const logs: string[] = []
  const flush = new DiskFlush({
    delayMs: 0,
    sync: async path => {
      if (path === one.log && logs.length === 0) {
        flush.request(two)
        flush.request(one)
      }
      if (path.endsWith('Output.log')) logs.push(path)
    },
  })
  flush.request(one)
  await flush.close()
  assert.deepEqual(logs, [one.log, two.log, one.log])
})

test('does not hold up an agent that stops while the disk takes its time', async () => {
  assert.ok(one)
  const disk = Promise.withResolvers<void>()
  const flush = new DiskFlush({ delayMs: 0, sync: () => disk.promise })
  flush.request(one)
  await flush.close()
  disk.resolve()
})
