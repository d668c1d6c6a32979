import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { UploadState } from '@tentacle/contracts'
import { HalibutError } from '@tentacle/halibut'
import { isServerError } from '../errors.ts'
import { sendInParts, sizeText } from './send-in-parts.ts'

const lost = new HalibutError('ERR_CONNECTION_LOST', 'the line is cut')
const result = { fullPath: '/home/x', hash: 'abc', length: 10 }
const complete: UploadState = { status: 'Complete', heldBytes: 10, result }

function at(heldBytes: number, status: UploadState['status'] = 'Open'): UploadState {
  return { status, heldBytes, result: null }
}

/** Sends ten bytes to an agent that answers with these states, or fails so. */
async function sending(
  t: TestContext,
  starts: readonly (UploadState | Error)[],
  parts: readonly (UploadState | Error)[],
  rules = { enabled: true, durationMs: 60_000 },
) {
  const folder = await mkdtemp(join(tmpdir(), 'parts-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'x')
  await writeFile(path, '0123456789')
  const reports: string[] = []
  const sent: string[] = []
  const progress: number[] = []
  const answers = (list: readonly (UploadState | Error)[]) => {
    const left = [...list]
    return async () => {
      const next = left.shift() ?? list.at(-1)
      if (next === undefined || next instanceof Error) throw next ?? new Error('nothing was expected')
      return next
    }
  }
  const [start, part] = [answers(starts), answers(parts)]
  const file = { path, remotePath: 'x', length: 10, hash: 'abc', sender: 'one' }
  const calls = {
    start,
    async part(_upload: unknown, offset: number, stream: { bytes(): Promise<Buffer> }) {
      sent.push(`${offset}:${await stream.bytes()}`)
      return part()
    },
  }
  const call = {
    signal: new AbortController().signal,
    report: async (category: string, text: string) => void reports.push(`${category}: ${text}`),
  }
  const done = sendInParts(file, calls, { rules, call, onSent: bytes => void progress.push(bytes) })
  return { done, reports, sent, progress }
}

describe('a file that is sent in parts', () => {
  test('goes on behind what is there', async t => {
    const { done, sent, reports, progress } = await sending(t, [at(4)], [complete])
    assert.deepEqual(await done, result)
    assert.deepEqual(sent, ['4:456789'])
    assert.deepEqual(reports, ['Info: 40 % are there: 4 bytes of 10 bytes. The rest is sent.'])
    assert.equal(progress[0], 4)
  })

  test('goes on after the connection broke, and is complete when only the answer was lost', async t => {
    const { done, sent, reports } = await sending(t, [at(0), at(7), complete], [lost, lost])
    assert.deepEqual(await done, result)
    assert.deepEqual(sent, ['0:0123456789', '7:789'])
    assert.deepEqual(reports, [
      'Info: Sending was interrupted. It goes on in 1 s.',
      'Verbose: The call of UploadPart failed: the line is cut',
      'Info: 70 % are there: 7 bytes of 10 bytes. The rest is sent.',
      'Info: Sending was interrupted. It goes on in 1 s.',
      'Verbose: The call of UploadPart failed: the line is cut',
    ])
  })

  test('is given up when nothing more arrives, or when the policy allows no repetition', async t => {
    const stuck = await sending(t, [at(3)], [lost], { enabled: true, durationMs: 2_000 })
    await assert.rejects(stuck.done, lost)
    assert.equal(stuck.sent.length, 2)
    assert.equal(stuck.reports.at(-1), 'Info: Nothing more of the file arrives. No more attempts are made.')
    const once = await sending(t, [at(3)], [lost], { enabled: false, durationMs: 60_000 })
    await assert.rejects(once.done, lost)
    assert.equal(once.sent.length, 1)
    const full = new HalibutError('ERR_SERVICE_INVOCATION', 'the disk is full')
    const refused = await sending(t, [at(3)], [full])
    await assert.rejects(refused.done, full)
    assert.equal(refused.sent.length, 1)
  })

  test('waits while somebody else sends it', async t => {
    const { done, sent, reports } = await sending(t, [at(2, 'Busy'), at(5, 'Busy'), complete], [])
    assert.deepEqual(await done, result)
    assert.deepEqual(sent, [])
    assert.deepEqual(reports, ['Info: The Tentacle is still at work on the same file. Waiting for it.'])
  })

  test('that arrives damaged is sent a second time, but not a third', async t => {
    const { done, sent, reports } = await sending(t, [at(0)], [at(0, 'Damaged')])
    await assert.rejects(done, error => isServerError(error, 'ERR_CONFLICT'))
    assert.equal(sent.length, 2)
    assert.match(reports.join(), /^Warning: .* is sent again from its start\.$/)
  })
})

test('sizes are told in the unit that fits', () => {
  assert.deepEqual([0, 1023, 1024, 5 * 1024 ** 2, 1.5 * 1024 ** 3].map(sizeText), [
    '0 bytes',
    '1023 bytes',
    '1 KiB',
    '5.0 MiB',
    '1.5 GiB',
  ])
})
