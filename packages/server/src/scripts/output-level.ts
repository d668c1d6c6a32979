import type { LogCategory } from '../model/activity.ts'
import type { JsonObject } from '../model/task.ts'

/** Category of the next lines of a stream; `ignore` drops them. */
export type OutputLevel = LogCategory | 'ignore'

/** The levels in force for the two streams of one script. */
export interface OutputLevels {
  readonly stdout: OutputLevel
  readonly stderr: OutputLevel
}

/** At the start of every script: docs/wire/orchestration.md, levels. */
export const defaultOutputLevels: OutputLevels = { stdout: 'Info', stderr: 'Error' }

const stdoutLevels: Readonly<Record<string, OutputLevel>> = {
  'stdout-default': 'Info',
  'stdout-verbose': 'Verbose',
  'stdout-warning': 'Warning',
  'stdout-error': 'Error',
  'stdout-highlight': 'Highlight',
  'stdout-wait': 'Wait',
  'stdout-ignore': 'ignore',
}

const stderrLevels: Readonly<Record<string, OutputLevel>> = {
  'stderr-default': 'Error',
  'stderr-error': 'Error',
  'stderr-progress': 'Verbose',
  'stderr-output': 'Info',
  'stderr-ignore': 'ignore',
}

/** The levels after a service message of this name; undefined when it is not about levels. */
export function switchLevel(levels: OutputLevels, messageName: string): OutputLevels | undefined {
  const stdout = stdoutLevels[messageName]
  if (stdout !== undefined) return { ...levels, stdout }
  const stderr = stderrLevels[messageName]
  return stderr === undefined ? undefined : { ...levels, stderr }
}

function oneOf(
  known: Readonly<Record<string, OutputLevel>>,
  value: unknown,
  otherwise: OutputLevel,
): OutputLevel {
  return Object.values(known).find(level => level === value) ?? otherwise
}

/** Reads levels as {@link storedLevels} wrote them; what is missing or unknown is the default. */
export function parseLevels(stored: JsonObject): OutputLevels {
  return {
    stdout: oneOf(stdoutLevels, stored.stdout, defaultOutputLevels.stdout),
    stderr: oneOf(stderrLevels, stored.stderr, defaultOutputLevels.stderr),
  }
}

/** The levels in the form in which they are kept with a script run. */
export function storedLevels({ stdout, stderr }: OutputLevels): JsonObject {
  return { stdout, stderr }
}
