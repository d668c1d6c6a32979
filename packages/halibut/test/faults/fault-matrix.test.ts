/**
 * Every step of the exchange × every fault × both directions × both modes, on real sockets. The steps are found in the
 * ciphertext of an exchange without a fault; what must come of each case stands in `expectations.ts`.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { until } from '@tentacle/testkit'
import { certificateFor, testLimits } from '../runtimes.ts'
import { connectingCases, conversationCases, type FaultCase, idleCases, largeStreamCases } from './cases.ts'
import { measureConversation, measureIdlePolling, type Steps } from './positions.ts'
import { type RunOptions, runCase } from './run-case.ts'

const modes = ['listening', 'polling'] as const
const largeStreamBytes = 24 * 1024 * 1024
const idleMs = 60

let folder = ''
let resourcesBefore: Record<string, number> = {}
let casesRun = 0

/** Sockets, servers and timers of this process. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halibut-faults-'))
  await Promise.all(['client', 'service'].map(certificateFor))
  resourcesBefore = resources()
})

after(() => rm(folder, { recursive: true, force: true }))

/** Ordinarily a stall is noticed soon; on a machine that has no time for us that would be too soon. */
const [shortStallMs, longStallMs] = [700, 5000]

/**
 * Runs cases side by side: those that stall mostly wait, so there are more of them at a time. What only a limit can
 * tell depends on the machine's speed: such a case is run once more, with longer limits and little beside it, before it counts.
 */
async function runCases(
  t: TestContext,
  cases: readonly FaultCase[],
  options: Pick<RunOptions, 'streamBytes' | 'idleMs'> = {},
): Promise<void> {
  const problems: string[] = []
  const doubtful: FaultCase[] = []
  const startedAt = performance.now()
  const run = async (remaining: FaultCase[]) => {
    for (let case_ = remaining.shift(); case_; case_ = remaining.shift()) {
      const found = await runCase(case_, { folder, stallMs: shortStallMs, ...options })
      if (found.length > 0 && case_.fault.kind === 'stall') doubtful.push(case_)
      else problems.push(...found)
    }
  }
  const stalls = cases.filter(({ fault }) => fault.kind === 'stall')
  const others = cases.filter(({ fault }) => fault.kind !== 'stall')
  await Promise.all(Array.from({ length: 8 }, () => run(others)))
  await Promise.all(Array.from({ length: 16 }, () => run(stalls)))
  const again = async () => {
    for (let case_ = doubtful.shift(); case_; case_ = doubtful.shift()) {
      t.diagnostic(`once more, with longer limits: ${case_.name}`)
      problems.push(...(await runCase(case_, { folder, stallMs: longStallMs, ...options })))
    }
  }
  await Promise.all(Array.from({ length: 4 }, again))
  casesRun += cases.length
  t.diagnostic(`${cases.length} cases in ${Math.round(performance.now() - startedAt)} ms`)
  assert.deepEqual(problems, [])
}

const measured = new Map<string, Promise<Steps>>()

function stepsOf(mode: (typeof modes)[number]): Promise<Steps> {
  const made =
    measured.get(mode) ?? measureConversation({ mode, folder: join(folder, mode), limits: testLimits })
  measured.set(mode, made)
  return made
}

for (const mode of modes) {
  test(`${mode}: an exchange has the same steps at the same bytes each time, so that a fault hits what it names`, async () => {
    const first = await stepsOf(mode)
    for (let n = 0; n < 3; n++) {
      const again = { mode, folder: join(folder, `${mode}-${n}`), limits: testLimits }
      assert.deepEqual(await measureConversation(again), first)
    }
  })

  for (const kind of ['delay', 'trickle', 'stall', 'cut', 'half-close', 'reset']) {
    test(`${mode}: ${kind} at any step of an exchange: one call at most is lost, none runs twice, the next one works`, async t => {
      const cases = conversationCases(mode, await stepsOf(mode)).filter(({ fault }) => fault.kind === kind)
      assert.ok(cases.length >= 40, `${cases.length} cases`)
      await runCases(t, cases)
    })
  }

  test(`${mode}: a fault on every connection before a request is sent: the call fails as connecting, and works once that is over`, async t => {
    await runCases(t, connectingCases(mode, await stepsOf(mode)))
  })

  test(`${mode}: a fault in the middle of a stream that no buffer holds: the call is lost, and its files are gone`, async t => {
    await runCases(t, largeStreamCases(mode, largeStreamBytes), { streamBytes: largeStreamBytes })
  })
}

test('polling: a fault while a poller has no work: it comes back, and a call loses at most its own connection', async t => {
  const limits = { ...testLimits, pollingQueueWaitTimeoutMs: idleMs }
  const steps = await measureIdlePolling({ mode: 'polling', folder: join(folder, 'idle'), limits })
  await runCases(t, idleCases(steps), { idleMs })
})

test('at least 500 faults were tried, and no socket, server, timer or temporary file is left of them', async t => {
  t.diagnostic(`${casesRun} cases`)
  assert.ok(casesRun >= 500, `${casesRun} cases`)
  assert.deepEqual(await readdir(folder), [])
  await until('the resources of before', () => {
    const now = resources()
    return Object.keys(now).every(name => (now[name] ?? 0) <= (resourcesBefore[name] ?? 0))
  }).catch(() => assert.deepEqual(resources(), resourcesBefore))
})
