import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { parseLogLevel } from './levels.ts'
import { createLog } from './log.ts'
import { fileSink } from './log-file.ts'
import { SecretMask } from './mask.ts'

const noon = new Date(2026, 10, 23, 12, 34, 56, 789)

async function logIn(t: TestContext, now = () => noon) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-log-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const mask = new SecretMask()
  const sink = fileSink({
    folder: () => folder,
    now,
    processId: 42,
    mask: mask.apply,
    header: () => ['head'],
  })
  const path = join(folder, 'OctopusTentacle.txt')
  return { folder, path, mask, sink, log: createLog([sink], 'info'), read: () => readFile(path, 'utf8') }
}

describe('the log file', () => {
  test('has the lines that operators know, after a head for each process', async t => {
    const { log, read } = await logIn(t)
    log.info('first')
    log.warn('second')
    log.debug('not at this level')
    const stamp = '2026-11-23 12:34:56.7890     42      1'
    assert.equal(await read(), `${stamp}  INFO  head\n${stamp}  INFO  first\n${stamp}  WARN  second\n`)
  })

  test('has errors with their stacks and causes below the message', async t => {
    const { log, read } = await logIn(t)
    log.error('it failed', new Error('outer', { cause: new Error('inner') }))
    assert.match(
      await read(),
      /ERROR {2}it failed\nError: outer\n {4}at [\s\S]*--Inner Exception--\nError: inner\n {4}at /,
    )
  })

  test('becomes the newest archive when its last entry is of an earlier day; seven are kept', async t => {
    const { log, folder, path, read } = await logIn(t)
    for (let n = 0; n < 7; n += 1) await writeFile(join(folder, `OctopusTentacle.${n}.txt`), `archive ${n}`)
    await writeFile(path, 'yesterday')
    const yesterday = new Date(noon.getTime() - 86_400_000)
    await utimes(path, yesterday, yesterday)
    log.info('today')
    assert.match(await read(), /today/)
    assert.equal(await readFile(join(folder, 'OctopusTentacle.0.txt'), 'utf8'), 'yesterday')
    assert.equal(await readFile(join(folder, 'OctopusTentacle.6.txt'), 'utf8'), 'archive 5')
    assert.equal((await readdir(folder)).length, 8)
  })

  test('is rotated at midnight while the process runs', async t => {
    let now = new Date()
    const { log, folder, path } = await logIn(t, () => now)
    log.info('before midnight')
    now = new Date(now.getTime() + 86_400_000)
    log.info('after midnight')
    assert.match(await readFile(join(folder, 'OctopusTentacle.0.txt'), 'utf8'), /before midnight/)
    assert.doesNotMatch(await readFile(path, 'utf8'), /before midnight/)
  })

  test('is left to the process that rotates it already', async t => {
    const { log, folder, path } = await logIn(t)
    await writeFile(path, 'yesterday\n')
    const yesterday = new Date(noon.getTime() - 86_400_000)
    await utimes(path, yesterday, yesterday)
    await writeFile(join(folder, 'OctopusTentacle.rotating'), '')
    await utimes(join(folder, 'OctopusTentacle.rotating'), noon, noon)
    log.info('today')
    assert.match(await readFile(path, 'utf8'), /^yesterday\n.*head\n.*today/)
  })

  test('has no secrets, whatever message they come in', async t => {
    const { log, mask, read } = await logIn(t)
    mask.add('p@ss word1')
    mask.add('abc')
    log.info('connecting to http://user:p%40ss%20word1@proxy with p@ss word1 (abc)')
    assert.match(await read(), /http:\/\/user:\*{8}@proxy with \*{8} \(abc\)/)
  })

  test('that cannot be written does not stop the program, and is tried again', async t => {
    const { folder, sink, path } = await logIn(t)
    await rm(folder, { recursive: true })
    await writeFile(folder, 'a file in the place of the folder')
    sink('info', 'lost')
    await rm(folder)
    sink('info', 'written')
    assert.match(await readFile(path, 'utf8'), /written/)
  })
})

test('the level comes from a name in any case, and is info otherwise', () => {
  assert.equal(parseLogLevel('DEBUG'), 'debug')
  assert.equal(parseLogLevel(undefined), 'info')
  assert.equal(parseLogLevel('nonsense'), 'info')
})
