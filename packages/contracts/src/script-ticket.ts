import { randomUUID } from 'node:crypto'
import type { ScriptTicket } from './script-types.ts'

/**
 * A ticket for a run of a script that is about to be started with `ScriptServiceV2`: letters and digits that no other
 * ticket has, not even without regard to case.
 */
export function newScriptTicket(): ScriptTicket {
  const bytes = Buffer.from(randomUUID().replaceAll('-', ''), 'hex')
  return { taskId: bytes.toString('base64').replace(/[^A-Za-z0-9]/g, '') }
}

/** Whether two tickets name the same run: case means nothing. */
export function sameTicket(a: ScriptTicket, b: ScriptTicket): boolean {
  return a.taskId.toLowerCase() === b.taskId.toLowerCase()
}

/** Names that Windows keeps for devices, with any extension. */
const deviceName = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i

/**
 * Whether a ticket can be the name of a folder on every system, and of nothing else: no separators, no `..`, no
 * device. Ask before a path is made of it; tickets come from the network.
 */
export function isSafeTicket(text: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,149}$/.test(text) && !text.endsWith('.') && !deviceName.test(text)
}
