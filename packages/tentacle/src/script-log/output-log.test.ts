import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ProcessOutput } from '@tentacle/contracts'
import { unpackList } from '@tentacle/halibut'
import type { NewEntry } from './log-entry.ts'
import { ProgressFile } from './log-progress.ts'
import { OutputLog } from './output-log.ts'

async function pathsFor(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-log-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return { log: join(folder, 'Output.log'), progress: join(folder, 'progress') }
}

function lines(...texts: readonly string[]): NewEntry[] {
  return texts.map(text => ({ source: 'StdOut', text }))
}

const noLimits = { characters: Number.POSITIVE_INFINITY, entries: Number.POSITIVE_INFINITY }

async function textsIn(
  log: OutputLog,
  after = 0,
  maxCharacters = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const { entries } = await log.read(after, { ...noLimits, characters: maxCharacters })
  return unpackList(ProcessOutput, entries).map(entry => entry.text)
}

test('forgets what was appended and not committed, and goes on from the last commit', async t => {
  const paths = await pathsFor(t)
  const first = OutputLog.create(paths)
  first.append(lines('one', 'two'), { stage: 'queued', stdoutBytes: 8 })
  first.close()
  // An agent that was killed between the two steps: the entry is there, whole or in part, and nothing speaks of it.
  for (const leftover of ['["stdout","three","2026-11-24T01:03:56+00:00"]', '["stdout","thr', '\0\0\0']) {
    await appendFile(paths.log, leftover)
    const next = OutputLog.resume(paths)
    assert.deepEqual(await textsIn(next), ['one', 'two'])
    assert.equal(next.progress.stdoutBytes, 8)
    assert.equal(next.progress.stage, 'queued')
    next.close()
    assert.equal((await stat(paths.log)).size, next.progress.logBytes)
  }
  const last = OutputLog.resume(paths)
  last.append(lines('three'))
  assert.deepEqual(await textsIn(last), ['one', 'two', 'three'])
  assert.equal(last.progress.entries, 3)
  last.close()
})

test('keeps the commit before when the newest one is torn', async t => {
  const paths = await pathsFor(t)
  const log = OutputLog.create(paths)
  log.append(lines('one'), { stdoutBytes: 4 })
  log.append(lines('two'), { stdoutBytes: 8 })
  log.close()
  const bytes = await readFile(paths.progress)
  const newest = bytes.indexOf('2 ') === 0 ? 0 : 128
  for (const at of [0, 5, 20]) {
    const torn = Buffer.from(bytes)
    torn.fill('9', newest + at, newest + at + 3)
    await writeFile(paths.progress, torn)
    assert.equal(ProgressFile.peek(paths.progress)?.stdoutBytes, 4)
  }
})

test('counts only what is there when the log is shorter than its progress, as after a power cut', async t => {
  const paths = await pathsFor(t)
  const log = OutputLog.create(paths)
  log.append(lines('one', 'two'))
  log.close()
  await truncate(paths.log, (await stat(paths.log)).size - 5)
  const next = OutputLog.resume(paths)
  const page = await next.read(0, { ...noLimits, characters: 1000 })
  assert.equal(page.entries[0]?.text, 'one')
  assert.match(page.entries[1]?.text ?? '', /damaged at entry 2/)
  assert.deepEqual(page.isEnd, true)
  next.close()
})

test('answers in pieces of a size, of whole entries and at least one', async t => {
  const paths = await pathsFor(t)
  const log = OutputLog.create(paths)
  log.append(lines('aaaa', 'bbbb', 'c'.repeat(100), 'dd'))
  const pieces: string[][] = []
  for (let after = 0, isEnd = false; !isEnd; ) {
    const page = await log.read(after, { ...noLimits, characters: 88 })
    pieces.push(page.entries.map(entry => entry.text))
    ;({ next: after, isEnd } = page)
  }
  assert.deepEqual(pieces, [['aaaa', 'bbbb'], ['c'.repeat(100)], ['dd']])
  assert.deepEqual(await textsIn(log, 4), [])
  assert.deepEqual(await log.read(99, { ...noLimits, characters: 8 }), { entries: [], next: 4, isEnd: true })
  log.close()
})

test('finds any entry of a long log, also one that is longer than what is read at a time', async t => {
  const paths = await pathsFor(t)
  const log = OutputLog.create(paths)
  for (let batch = 0; batch < 40; batch++) {
    log.append(
      lines(
        ...Array.from({ length: 250 }, (_, index) => `line ${batch * 250 + index + 1} ${'x'.repeat(40)}`),
      ),
    )
  }
  log.append(lines('y'.repeat(3_000_000), 'end'))
  log.close()
  for (const reader of [log, OutputLog.openEnded(paths)]) {
    for (const after of [9_999, 0, 5_000, 4_321, 9_998, 1]) {
      const { entries } = await reader.read(after, { ...noLimits, characters: 1 })
      assert.match(entries[0]?.text ?? '', new RegExp(`^line ${after + 1} `))
    }
    assert.equal((await textsIn(reader, 10_000))[0]?.length, 3_000_000)
    assert.deepEqual(await textsIn(reader, 10_001), ['end'])
  }
})
