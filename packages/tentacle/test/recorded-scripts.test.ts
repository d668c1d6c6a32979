import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProcessOutput, ScriptStatusResponseV2 } from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import { caller, openServices, startCommand } from './script-agent.ts'

/**
 * Conversations with the original, each with one script, played against our services. Sources, number and order of the
 * entries, states, exit codes and positions must be the same; so must be every line of the script. Left out: times,
 * folders, the agent's own sentences (only the lines that servers read have to be as they are), what differs by design.
 */
const recordings = join(import.meta.dirname, 'fixtures', 'output-logs')

interface RecordedLog {
  readonly Source: 0 | 1 | 2
  readonly Text: string
}

interface RecordedCall {
  readonly call: 'start' | 'status' | 'cancel' | 'complete'
  readonly request: {
    readonly ticket: string
    readonly seq?: number
    readonly body?: string
    readonly args?: readonly string[]
    readonly waitSeconds?: number
  }
  readonly response:
    | 'void'
    | {
        readonly Logs:
          | readonly RecordedLog[]
          | {
              readonly count: number
              readonly first10: readonly RecordedLog[]
              readonly last3: readonly RecordedLog[]
            }
        readonly NextLogSequence: number
        readonly State: 0 | 1 | 2
        readonly ExitCode: number
      }
}

interface Recording {
  readonly name: string
  readonly calls: readonly RecordedCall[]
}

const states = ['Pending', 'Running', 'Complete'] as const
const sources = ['StdOut', 'StdErr', 'Debug'] as const

function read(name: string): Recording {
  const recording: Recording = JSON.parse(readFileSync(join(recordings, name, 'calls.json'), 'utf8'))
  return recording
}

/** Which of the entries are the agent's own sentences: those of debug, and the one between the marks of the mutex. */
function comparable(source: string, text: string, folder: string): string {
  if (source === 'Debug' || /mutex/.test(text)) return `${source}: (a sentence of the agent)`
  return `${source}: ${text.replaceAll(folder, '(folder)')}`
}

function ofRecording(log: RecordedLog): string {
  return comparable(sources[log.Source], log.Text, '/home/t/L')
}

for (const name of readdirSync(recordings)) {
  if (name === 'cancelled' || name === 'environment') continue // below; conformance rows 46 and 53
  test(`answers as the original does: ${name}`, async t => {
    const agent = await openServices(t)
    const ours = (entries: readonly ProcessOutput[]) =>
      entries.map(entry => comparable(entry.source, entry.text, agent.home))
    const { calls } = read(name)
    for (const { call, request, response } of calls) {
      const ticket = { taskId: request.ticket }
      if (call === 'complete' || response === 'void') {
        await agent.scriptsV2.completeScript({ ticket }, caller)
        await assert.rejects(access(join(agent.home, 'Work', request.ticket)))
        continue
      }
      const answer: ScriptStatusResponseV2 =
        call === 'start'
          ? await agent.scriptsV2.startScript(
              startCommand(request.body ?? '', {
                scriptTicket: ticket,
                arguments: [...(request.args ?? [])],
                durationToWaitForScriptToFinish: (request.waitSeconds ?? 0) * 4000,
              }),
              caller,
            )
          : await agent.scriptsV2.getStatus({ ticket, lastLogSequence: request.seq ?? 0 }, caller)
      assert.equal(answer.ticket.taskId, request.ticket, 'the ticket is answered as it was asked')
      assert.equal(answer.state, states[response.State])
      assert.equal(answer.exitCode, response.ExitCode)
      assert.equal(answer.nextLogSequence, response.NextLogSequence)
      const lines = ours(answer.logs)
      if ('count' in response.Logs) {
        assert.equal(lines.length, response.Logs.count)
        assert.deepEqual(lines.slice(0, 10), response.Logs.first10.map(ofRecording))
        assert.deepEqual(lines.slice(-3), response.Logs.last3.map(ofRecording))
      } else if (name === 'stderr-and-stdout') {
        // Between the two streams only arrival decides, and that differs from run to run: each stream for itself.
        assert.deepEqual(lines.toSorted(), response.Logs.map(ofRecording).toSorted())
      } else {
        assert.deepEqual(lines, response.Logs.map(ofRecording))
      }
    }
  })
}

test('writes the files of a workspace in the form of the original', async t => {
  const agent = await openServices(t)
  for (const name of ['plain', 'unicode', 'exit-code-3', 'crlf-body']) {
    const start = read(name).calls[0]?.request
    assert.ok(start)
    const scriptTicket = { taskId: start.ticket }
    const command = startCommand(start.body ?? '', { scriptTicket, durationToWaitForScriptToFinish: 20_000 })
    await agent.scriptsV2.startScript(command, caller)
    const folder = join(agent.home, 'Work', start.ticket)
    const recorded = join(recordings, name, 'workspace')
    const body = await readFile(join(folder, 'Bootstrap.sh'))
    assert.deepEqual(body, await readFile(join(recorded, 'Bootstrap.sh')))

    const shapeOf = (log: string) =>
      log
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6}[1-9])?\+00:00/g, '(time)')
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.[1-9]\+00:00/g, '(time)')
        .replaceAll(/\["debug",".*?","\(time\)"\]/g, '(debug)')
        .replace(/(verbose\]","\(time\)"\]\["stdout",")[^"]*/, '$1(mutex)')
    const log = await readFile(join(folder, 'Output.log'), 'utf8')
    assert.equal(shapeOf(log), shapeOf(await readFile(join(recorded, 'Output.log'), 'utf8')), name)

    const stateOf = (text: string) => text.replaceAll(/"\d{4}-[^"]*"/g, '(time)')
    const state = await until('the state file is complete', async () => {
      const text = stateOf(await readFile(join(folder, 'scriptstate.json'), 'utf8'))
      return text.includes('"State":2') && text
    })
    assert.equal(state, stateOf(await readFile(join(recorded, 'scriptstate.json'), 'utf8')), name)
  }
})
