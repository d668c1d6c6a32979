import type { LogCategory } from '../model/activity.ts'
import type { ConnectionLogLine } from '../model/machine.ts'

/** What happened lately between the server and each machine, in memory: it is of use while somebody looks for a fault. */
export interface ConnectionLog {
  add(machineId: string, category: LogCategory, messageText: string): void
  /** Oldest first. */
  of(machineId: string): readonly ConnectionLogLine[]
  forget(machineId: string): void
}

/** Lines that are kept for a machine. */
const linesPerMachine = 50

/** Makes an empty log. */
export function createConnectionLog(now: () => Date): ConnectionLog {
  const lines = new Map<string, ConnectionLogLine[]>()
  return {
    add(machineId, category, messageText) {
      const own = lines.get(machineId) ?? []
      own.push({ category, occurredAt: now().toISOString(), messageText })
      lines.set(machineId, own.slice(-linesPerMachine))
    },
    of(machineId) {
      return lines.get(machineId) ?? []
    },
    forget(machineId) {
      lines.delete(machineId)
    },
  }
}
