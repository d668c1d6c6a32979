import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tryMachineLock, withMachineLock } from './machine-lock.ts'

let count = 0
function freshName(): string {
  count += 1
  return `test ${process.pid} ${count}`
}

/** Another process that takes the lock, says so, and keeps it until it is ended. */
async function otherOwner(t: TestContext, name: string): Promise<ChildProcess> {
  const module = fileURLToPath(new URL('./machine-lock.ts', import.meta.url))
  const code = `import { withMachineLock } from ${JSON.stringify(module)}
    await withMachineLock(process.argv[1], () => { process.stdout.write('taken'); return new Promise(() => setInterval(() => {}, 1000)) })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

test('work under one name never overlaps, work under other names does', async () => {
  const name = freshName()
  let inside = 0
  let most = 0
  const work = async () => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise(resolve => setImmediate(resolve))
    inside -= 1
  }
  await Promise.all(Array.from({ length: 20 }, () => withMachineLock(name, work)))
  assert.equal(most, 1)
  const other = freshName()
  await withMachineLock(name, () => withMachineLock(other, work))
})

test('a lock is free again when its owner is killed, without anybody judging it stale', async t => {
  const name = freshName()
  const owner = await otherOwner(t, name)
  assert.equal(await tryMachineLock(name), undefined)
  let waited = false
  const got = withMachineLock(name, async () => 'mine', {
    onWait: () => {
      waited = true
      owner.kill('SIGKILL')
    },
  })
  assert.equal(await got, 'mine')
  assert.ok(waited)
})

test('waiting ends at its time limit and when it is cancelled', async t => {
  const name = freshName()
  await otherOwner(t, name)
  await assert.rejects(
    withMachineLock(name, async () => 1, { timeoutMs: 50 }),
    { code: 'ERR_LOCK_TIMEOUT' },
  )
  const cancelling = new AbortController()
  const waiting = withMachineLock(name, async () => 1, {
    signal: cancelling.signal,
    onWait: () => cancelling.abort(),
  })
  await assert.rejects(waiting, { code: 'ERR_CANCELLED' })
})

test('a lock is released when the work fails', async () => {
  const name = freshName()
  await assert.rejects(
    withMachineLock(name, async () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(await withMachineLock(name, async () => 2), 2)
})
