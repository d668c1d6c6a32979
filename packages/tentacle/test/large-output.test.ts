import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ProcessOutput } from '@tentacle/contracts'
import { unpackList } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { caller, follow, openServices, printed, run, startCommand, status, textsOf } from './script-agent.ts'

test('tentacle 12.55: takes a line of 20 MB as one entry', async t => {
  const agent = await openServices(t)
  const { exitCode, logs } = await run(agent, "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after")
  assert.equal(exitCode, 0)
  const [long, after] = printed(logs)
  assert.equal(long?.length, 20_000_000)
  assert.equal(after, 'after')
})

test('tentacle 12.49: tells a long log in pieces, and the end only with the last piece', async t => {
  const maxPageCharacters = 1000
  const agent = await openServices(t, { pageLimits: { characters: maxPageCharacters } })
  const command = startCommand('for i in $(seq 500); do echo "line number $i"; done; exit 2', {
    durationToWaitForScriptToFinish: 60_000,
  })
  let answer = await agent.scriptsV2.startScript(command, caller)
  const logs = [...answer.logs]
  let pieces = 1
  for (; answer.state !== 'Complete'; pieces++) {
    assert.equal(answer.exitCode, 0)
    assert.ok(answer.logs.length > 0 || pieces === 1, 'no answer is without progress')
    assert.ok(answer.logs.reduce((sum, { text }) => sum + text.length, 0) <= maxPageCharacters)
    answer = await status(agent, command, answer.nextLogSequence)
    logs.push(...answer.logs)
  }
  assert.equal(answer.exitCode, 2)
  assert.ok(pieces > 5)
  assert.deepEqual(
    printed(logs),
    Array.from({ length: 500 }, (_, index) => `line number ${index + 1}`),
  )
})

test('tells what a chatty script has printed in few answers: callers pause between their questions', async t => {
  const agent = await openServices(t)
  const command = startCommand('seq 200000', { durationToWaitForScriptToFinish: 60_000 })
  let answer = await agent.scriptsV2.startScript(command, caller)
  const printedLines = printed(unpackList(ProcessOutput, answer.logs))
  assert.deepEqual([printedLines.length > 140_000, printedLines[0], answer.state], [true, '1', 'Running'])
  answer = await status(agent, command, answer.nextLogSequence)
  assert.deepEqual([answer.state, answer.exitCode], ['Complete', 0])
  assert.equal(textsOf(answer.logs).at(-1), '200000')
})

test('gives what is left of a long log when a first version script is completed', async t => {
  const agent = await openServices(t, { pageLimits: { characters: 1000 } })
  const { scriptTicket, durationToWaitForScriptToFinish, ...v1 } = startCommand('seq 3000')
  const ticket = await agent.scripts.startScript(v1, caller)
  let after = 0
  const lines: string[] = []
  await until('all pieces are there', async () => {
    const answer = await agent.scripts.getStatus({ ticket, lastLogSequence: after }, caller)
    lines.push(...printed(answer.logs))
    after = answer.nextLogSequence
    return answer.state === 'Complete'
  })
  const last = await agent.scripts.completeScript({ ticket, lastLogSequence: 0 }, caller)
  assert.equal(printed(last.logs).length, 3000)
})

test('does not keep in memory what a chatty script prints', async t => {
  const agent = await openServices(t)
  const megabytes = 60
  const before = process.memoryUsage().rss
  const command = startCommand(`yes "$(printf 'x%.0s' $(seq 79))" | head -c ${megabytes}000000`)
  await agent.scriptsV2.startScript(command, caller)
  const ticket = command.scriptTicket
  let peak = before
  let after = 0
  await until(
    'the script is complete',
    async () => {
      // As the answer is sent: whoever takes it apart needs memory of their own.
      const { state, nextLogSequence } = await agent.scriptsV2.getStatus(
        { ticket, lastLogSequence: after },
        caller,
      )
      after = nextLogSequence
      peak = Math.max(peak, process.memoryUsage().rss)
      return state === 'Complete'
    },
    { timeoutMs: 120_000, everyMs: 1 },
  )
  assert.ok(after > (megabytes * 1_000_000) / 80)
  // The agent itself, with a smaller young generation than tests have, stays below 120 MiB in all; see the benchmark. All
  // of the lines at once would be 400 MiB.
  assert.ok(
    peak - before < 200 * 1024 * 1024,
    `${Math.round((peak - before) / 1024 / 1024)} MiB more than before`,
  )
  const keeper = await readFile(`/proc/${await keeperOf(agent.home, ticket.taskId)}/status`, 'utf8')
  const keeperPeak = Number(/VmHWM:\s+(\d+)/.exec(keeper)?.[1])
  assert.ok(keeperPeak < 120 * 1024, `the keeper had ${keeperPeak} KiB`)
})

async function keeperOf(home: string, ticket: string): Promise<string | undefined> {
  return (await readFile(`${home}/Work/${ticket}/.tentacle/run/claim`, 'utf8')).split(' ')[1]
}

test('a line is on its way to the caller a moment after it was printed', async t => {
  const agent = await openServices(t)
  const command = startCommand(
    'while read -r line; do echo "got $line $(date +%s%N)"; done < <(while [ ! -e end ]; do echo x; sleep 0.05; done)',
  )
  await agent.scriptsV2.startScript(command, caller)
  const delays: number[] = []
  let after = 0
  await until(
    'thirty lines are there',
    async () => {
      const answer = await status(agent, command, after)
      after = answer.nextLogSequence
      for (const { text } of answer.logs) {
        const printedAt = /^got x (\d+)$/.exec(text)?.[1]
        if (printedAt !== undefined) delays.push(Date.now() - Number(printedAt) / 1e6)
      }
      return delays.length >= 30
    },
    { everyMs: 1 },
  )
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  await follow(agent, command)
  const median = delays.toSorted((a, b) => a - b)[15] ?? Number.POSITIVE_INFINITY
  t.diagnostic(`median delay ${median.toFixed(1)} ms`)
  assert.ok(median < 200, `${median} ms`) // some 10 ms on an idle machine; tests run on busy ones
})
