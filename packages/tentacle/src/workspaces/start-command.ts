import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScriptIsolationLevel } from '@tentacle/contracts'
import { parseShell, type ScriptShell } from '../shells/script-shell.ts'

/**
 * What must be known to start a script again that was waiting when the agent ended: the original keeps none of it and
 * loses isolation and arguments.
 */
export interface StartCommand {
  readonly ticket: string
  readonly taskId: string
  readonly isolation: ScriptIsolationLevel
  readonly mutexName: string
  /** 0 and the longest time that the contract knows mean no limit. */
  readonly mutexTimeoutMs: number
  readonly arguments: readonly string[]
  readonly shell: ScriptShell
  /** Whether the script has the guard in it that its caller has asked for. */
  readonly isGuarded: boolean
  /** Since when it has been waiting for its turn, in milliseconds since 1970. */
  readonly queuedAt: number
  /** Rises with every script of this home: who waited first is served first, after a restart too. */
  readonly order: number
}

const fileName = 'start.json'

/** To be written before the state file, without which a workspace does not count: then nobody reads a part of it. */
export function writeStartCommand(controlFolder: string, command: StartCommand): void {
  writeFileSync(join(controlFolder, fileName), JSON.stringify(command), { mode: 0o600 })
}

/** Undefined for a workspace that this agent did not make, or whose file is damaged. */
export async function readStartCommand(controlFolder: string): Promise<StartCommand | undefined> {
  const text = await readFile(join(controlFolder, fileName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function parse(value: unknown): StartCommand | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const { ticket, taskId, isolation, mutexName, mutexTimeoutMs, queuedAt, order } = fields
  const isText = typeof ticket === 'string' && typeof taskId === 'string' && typeof mutexName === 'string'
  const isNumber =
    typeof mutexTimeoutMs === 'number' && typeof queuedAt === 'number' && typeof order === 'number'
  if (!isText || !isNumber || (isolation !== 'NoIsolation' && isolation !== 'FullIsolation')) return undefined
  const list: readonly unknown[] = Array.isArray(fields.arguments) ? fields.arguments : []
  const texts = list.filter(text => typeof text === 'string')
  return {
    ticket,
    taskId,
    isolation,
    mutexName,
    mutexTimeoutMs,
    queuedAt,
    order,
    arguments: texts,
    shell: parseShell(fields.shell) ?? { t: 'bash' }, // agents before there was a choice
    isGuarded: fields.isGuarded === true,
  }
}
