import type { Database } from '../db/database.ts'
import { createScriptRunRepository, type ScriptRun } from '../db/script-run-repository.ts'
import { createTaskMemory } from '../db/task-memory-repository.ts'
import type { LogNode, TaskLog } from '../live/task-log.ts'
import type { SecretVault } from '../model/secret.ts'
import { parseLevels, storedLevels } from './output-level.ts'
import type { ScriptAnswer } from './script-calls.ts'
import { addFact, parseFacts, storeFacts } from './script-facts.ts'
import { createScriptOutputReader, type ReadOutput } from './script-output.ts'

/** Whose variables a script sets. */
export interface OutputScope {
  readonly action: string
  readonly machineId: string
  readonly machineName: string
}

/**
 * Stores what a Tentacle answers about a script: its lines, its effects and how far it was read go into the database
 * together, so each line is there once, whenever this process ends.
 */
export interface ScriptRecorder {
  /** The run as it is stored. */
  readonly run: ScriptRun
  /** The last log entry that was given to `record`; may be ahead of what is stored while a message is incomplete. */
  readonly position: number
  readonly isComplete: boolean
  readonly exitCode: number
  record(answer: ScriptAnswer): Promise<void>
  /** Stores the end. Nothing can be recorded after it. */
  complete(options: { readonly canceled: boolean }): Promise<void>
}

export interface RecorderParts {
  readonly db: Database
  readonly vault: SecretVault
  readonly now: () => Date
}

/** Entries that are stored in one transaction: more would keep all other requests waiting. */
const entriesAtOnce = 20_000

/** Makes the recorder of a run that is not complete. */
export function createScriptRecorder(
  { db, vault, now }: RecorderParts,
  {
    log,
    node,
    outputs,
  }: { readonly log: TaskLog; readonly node: LogNode; readonly outputs: OutputScope | null },
  initial: ScriptRun,
): ScriptRecorder {
  const reader = createScriptOutputReader(parseLevels(initial.outputState))
  let run = initial
  let position = initial.nextLogSequence
  let facts = parseFacts(initial.facts)
  let isComplete = initial.state === 'complete'
  let exitCode = initial.exitCode ?? 0

  async function store(
    read: ReadOutput,
    next: number,
    ticket: string,
    end?: { readonly exitCode: number },
  ): Promise<void> {
    // Secrets first: the lines that come with them may hold them too.
    const masks = read.effects
      .filter(effect => effect.kind === 'mask')
      .filter(effect => log.mask.add(effect.value))
    const variables = read.effects.filter(effect => effect.kind === 'setVariable')
    for (const variable of variables) if (variable.isSensitive) log.mask.add(variable.value)
    const progress = read.effects.findLast(effect => effect.kind === 'progress')
    facts = read.effects.reduce((known, effect) => addFact(known, effect, log.mask.apply), facts)
    if (read.wroteErrors) facts = { ...facts, wroteErrors: true }
    run = await db.transaction().execute(async within => {
      const memory = createTaskMemory(within, vault)
      for (const { value } of masks) await memory.addMask(run.taskId, value)
      if (outputs !== null) {
        for (const { name, value, isSensitive } of variables) {
          await memory.setOutput(run.taskId, { ...outputs, name, value, isSensitive })
        }
      }
      await node.append(within, read.lines)
      if (progress !== undefined) {
        const progressMessage = log.mask.apply(progress.message)
        await node.change(within, { progressPercentage: progress.percentage, progressMessage })
      }
      return createScriptRunRepository(within, now).advance(run, {
        state: end === undefined ? 'started' : 'complete',
        nextLogSequence: next,
        outputState: storedLevels(read.levels),
        facts: storeFacts(facts),
        ticket,
        ...end,
      })
    })
    if (read.lines.length > 0 || progress !== undefined) node.changed()
  }

  return {
    get run() {
      return run
    },
    get position() {
      return position
    },
    get isComplete() {
      return isComplete
    },
    get exitCode() {
      return exitCode
    },
    async record(answer) {
      // What was read already is left out, should a Tentacle answer with more than it was asked for.
      const first = answer.nextLogSequence - answer.logs.length
      const isNumbered = first <= position
      const fresh = isNumbered ? answer.logs.slice(position - first) : answer.logs
      for (let at = 0; at < fresh.length; at += entriesAtOnce) {
        const part = isNumbered ? fresh.slice(at, at + entriesAtOnce) : fresh
        position = isNumbered ? position + part.length : answer.nextLogSequence
        const read = reader.read(part)
        await store(read, position - read.heldEntries, answer.ticket)
        if (!isNumbered) break
      }
      if (run.state === 'new') await store(nothingRead(run), run.nextLogSequence, answer.ticket)
      isComplete = answer.state === 'Complete'
      exitCode = answer.exitCode
    },
    async complete({ canceled }) {
      facts = { ...facts, canceled }
      await store(reader.end(), position, run.ticket, { exitCode })
      isComplete = true
    },
  }
}

/** An answer without lines. */
function nothingRead(run: ScriptRun): ReadOutput {
  return { lines: [], effects: [], heldEntries: 0, levels: parseLevels(run.outputState), wroteErrors: false }
}
