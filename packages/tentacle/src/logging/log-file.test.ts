import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { parseLogLevel } from './levels.ts'
import { createLog } from './log.ts'
import { fileSink, structuredSink } from './log-file.ts'
import { SecretMask } from './mask.ts'

const diagnostics = {
  version: '9.2.0',
  instance: 'T',
  folders: { from: '/before', to: '/logs' },
  user: 'deploy',
  machine: 'web01',
  cwd: '/',
  program: '/opt/tentacle/Tentacle',
  processId: 42,
  processors: 2,
}

const noon = new Date(2026, 10, 23, 12, 34, 56, 789)

async function logIn(t: TestContext, now = () => noon) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-log-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const mask = new SecretMask()
  const options = { folder: () => folder, now, processId: 42, mask: mask.apply, start: () => diagnostics }
  const sink = fileSink(options)
  const path = join(folder, 'OctopusTentacle.txt')
  return {
    folder,
    path,
    mask,
    options,
    sink,
    log: createLog([sink], 'info'),
    read: () => readFile(path, 'utf8'),
  }
}

describe('the log file', () => {
  test('has the lines that operators know, after a head for each process', async t => {
    const { log, read } = await logIn(t)
    log.info('first')
    log.warn('second')
    log.debug('not at this level')
    const stamp = '2026-11-23 12:34:56.7890     42      1'
    const lines = (await read()).split('\n')
    assert.equal(lines[0], `${stamp}  INFO  ${'='.repeat(80)}`)
    assert.ok(lines.includes(`${stamp}  INFO    PID: 42`))
    assert.deepEqual(lines.slice(-3), [`${stamp}  INFO  first`, `${stamp}  WARN  second`, ''])
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
    assert.match(await readFile(path, 'utf8'), /^yesterday\n.*={80}\n[\s\S]*today/)
  })

  test('has no secrets, whatever message they come in', async t => {
    const { log, mask, read } = await logIn(t)
    mask.add('p@ss word1')
    mask.add('abc')
    log.info('connecting to http://user:p%40ss%20word1@proxy with p@ss word1 (abc)')
    assert.match(await read(), /http:\/\/user:\*{8}@proxy with \*{8} \(abc\)/)
  })

  test('of 100 MiB becomes an archive before its day is over, also while the process runs', async t => {
    const { log, folder, path, read } = await logIn(t, () => new Date())
    await writeFile(path, '')
    await truncate(path, 100 * 1024 * 1024)
    log.info('first')
    await truncate(path, 100 * 1024 * 1024)
    log.info('fills it')
    log.info('begins the next')
    assert.match(await read(), /^[^\n]*begins the next\n$/)
    assert.deepEqual((await readdir(folder)).toSorted(), [
      'OctopusTentacle.0.txt',
      'OctopusTentacle.1.txt',
      'OctopusTentacle.txt',
    ])
  })

  test('for programs has one object a line, with errors taken apart, and no secrets either', async t => {
    const { folder, mask, options } = await logIn(t)
    mask.add('s3cret"value')
    let isWanted = false
    const log = createLog([structuredSink(options, () => isWanted)], 'info')
    log.info('before it was wanted')
    assert.deepEqual(await readdir(folder), [])
    isWanted = true
    const inner = Object.assign(new Error('inner'), { code: 'ENOENT' })
    log.error('it failed with s3cret"value', new Error('outer', { cause: inner }))
    log.info('two\nlines')
    const text = await readFile(join(folder, 'OctopusTentacle.jsonl'), 'utf8')
    const [start, failed, last, ...others] = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(others, [])
    assert.deepEqual(
      [start.message, start.version, start.instance, start.logs, start.pid],
      ['Started', '9.2.0', 'T', '/logs', 42],
    )
    const time = noon.toISOString()
    assert.deepEqual(last, { time, level: 'info', pid: 42, message: 'two\nlines' })
    assert.deepEqual([failed.level, failed.message], ['error', 'it failed with ********'])
    assert.match(failed.error.stack, /^Error: outer\n {4}at /)
    assert.deepEqual(
      [failed.error.message, failed.error.cause.message, failed.error.cause.code],
      ['outer', 'inner', 'ENOENT'],
    )
  })

  test('that cannot be written does not stop the program, and is tried again', async t => {
    const { folder, sink, path } = await logIn(t)
    await rm(folder, { recursive: true })
    await writeFile(folder, 'a file in the place of the folder')
    sink('info', 'lost', { message: 'lost' })
    await rm(folder)
    sink('info', 'written', { message: 'written' })
    assert.match(await readFile(path, 'utf8'), /written/)
  })
})

test('the level comes from a name in any case, and is info otherwise', () => {
  assert.equal(parseLogLevel('DEBUG'), 'debug')
  assert.equal(parseLogLevel(undefined), 'info')
  assert.equal(parseLogLevel('nonsense'), 'info')
})
