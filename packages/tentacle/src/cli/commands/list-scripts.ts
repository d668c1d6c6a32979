import { formatOptions, instanceOptions } from '../../options/common-options.ts'
import { formatOf } from '../../options/format.ts'
import type { OptionTable } from '../../options/option-table.ts'
import { openProcessTable } from '../../processes/process-table.ts'
import { type SurveyedScript, surveyScripts } from '../../scripts/survey-scripts.ts'
import { chooseGivenInstance } from '../choose-instance.ts'
import { plainCommand } from '../command.ts'

const options = { ...instanceOptions, ...formatOptions } as const satisfies OptionTable

/**
 * Lists the scripts that have a workspace: which run, which wait and for whom. It writes no log: monitoring may ask every
 * minute.
 */
export const listScripts = plainCommand({
  options,
  async run(given, { machine, payload }) {
    const format = formatOf(given.text('format'))
    const { found, error } = await chooseGivenInstance(machine, given)
    if (found === undefined) throw error
    const { home } = await found.settings.read()
    const scripts = await surveyScripts(home, openProcessTable())
    if (format === 'json') payload(`${JSON.stringify(scripts.map(recordOf), null, 2)}\n`)
    else payload(scripts.length === 0 ? 'No scripts\n' : scripts.map(textOf).join('\n'))
  },
})

function recordOf(script: SurveyedScript): Readonly<Record<string, unknown>> {
  return {
    Ticket: script.ticket,
    TaskId: script.taskId,
    State: script.state,
    Created: script.created,
    Started: script.started,
    Completed: script.completed,
    ExitCode: script.exitCode,
    ProcessId: script.processId,
    Isolation: script.isolation,
    MutexName: script.mutexName,
    WaitsFor: script.waitsFor,
    Workspace: script.workspace,
  }
}

const time = (date: Date | null) =>
  `${(date ?? new Date(0)).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function textOf(script: SurveyedScript): string {
  const { ticket, taskId, isolation, mutexName, workspace, waitsFor } = script
  const lines = [
    `${ticket}${taskId === '' ? '' : ` of ${taskId}`}: ${stateText(script)}`,
    ...(mutexName === null ? [] : [`  Mutex: ${mutexName} (${isolation})`]),
    ...(waitsFor.length === 0 ? [] : [`  Waits for: ${waitsFor.join(', ')}`]),
    `  Folder: ${workspace}`,
  ]
  return `${lines.join('\n')}\n`
}

function stateText({ state, created, started, completed, exitCode, processId }: SurveyedScript): string {
  switch (state) {
    case 'Waiting':
      return `waits since ${time(created)}`
    case 'Running':
      return `runs since ${time(started)}${processId === null ? '' : ` as process ${processId}`}`
    case 'Ended':
      return `has ended with ${exitCode}; no agent has taken note of it yet`
    case 'Lost':
      return `began at ${time(started)}; its processes are gone, and nobody knows how they ended`
    case 'Complete':
      return `ended with ${exitCode} at ${time(completed)}`
  }
}
