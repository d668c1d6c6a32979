import type { LogLineDraft } from '../model/activity.ts'
import { defaultOutputLevels, type OutputLevel, type OutputLevels, switchLevel } from './output-level.ts'
import {
  createServiceMessageReader,
  type ServiceMessage,
  type ServiceMessageReader,
} from './service-message.ts'

/** A line of a script as the agent keeps it. */
export interface OutputEntry {
  readonly source: 'StdOut' | 'StdErr' | 'Debug'
  readonly occurred: Date
  readonly text: string
}

/** What a script asks for by service message, apart from levels. */
export type ScriptEffect =
  | {
      readonly kind: 'setVariable'
      readonly name: string
      readonly value: string
      readonly isSensitive: boolean
    }
  | { readonly kind: 'mask'; readonly value: string }
  | { readonly kind: 'progress'; readonly percentage: number; readonly message: string }
  | { readonly kind: 'resultMessage'; readonly message: string }
  | { readonly kind: 'foundPackage'; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: 'exactPackageFound' }
  | { readonly kind: 'fact'; readonly name: string; readonly value: string }

/** What came of some entries. */
export interface ReadOutput {
  readonly lines: readonly LogLineDraft[]
  readonly effects: readonly ScriptEffect[]
  /** How many of the last entries are held back. After a restart they must be given again, as nothing came of them. */
  readonly heldEntries: number
  /** The levels before the first entry that is held back. */
  readonly levels: OutputLevels
  /** True when something other than a service message was among the lines of stderr. */
  readonly wroteErrors: boolean
}

/** Turns the output of one script into log lines and effects. Holds back the start of a message that is not complete. */
export interface ScriptOutputReader {
  read(entries: readonly OutputEntry[]): ReadOutput
  /** The script is over: what was held back is text. */
  end(): ReadOutput
}

/** Name of our own message by which the health check's script tells about the machine. */
export const factMessage = 'tentacle-fact'

function truthy(text: string | undefined): boolean {
  return text !== undefined && text.toLowerCase() === 'true'
}

function effectOf({ name, attributes }: ServiceMessage): ScriptEffect | undefined {
  const get = (key: string): string => attributes.get(key) ?? ''
  switch (name) {
    case 'setVariable':
      if (get('name') === '') return undefined
      // An empty value is sent by leaving the attribute out.
      return {
        kind: 'setVariable',
        name: get('name'),
        value: get('value'),
        isSensitive: truthy(attributes.get('sensitive')),
      }
    case 'mask':
      return get('value') === '' ? undefined : { kind: 'mask', value: get('value') }
    case 'progress': {
      const percentage = Math.min(100, Math.max(0, Math.round(Number(get('percentage')))))
      return Number.isNaN(percentage) ? undefined : { kind: 'progress', percentage, message: get('message') }
    }
    case 'resultMessage':
      return { kind: 'resultMessage', message: get('message') }
    case 'foundPackage':
      return { kind: 'foundPackage', attributes }
    case 'calamari-found-package':
      return { kind: 'exactPackageFound' }
    case factMessage:
      return { kind: 'fact', name: get('name'), value: get('value') }
    default:
      return undefined
  }
}

/** Messages that are understood to mean something this server does not do: the reader of the log is told so. */
const notSupported: Readonly<Record<string, string>> = {
  createArtifact: 'The script offered a file as an artifact. This server does not collect artifacts yet.',
  'delete-target':
    'The script asked to remove a deployment target. This server does not let scripts do that yet.',
  createStepPackageTarget:
    'The script asked for a new deployment target. This server does not let scripts do that yet.',
}

const brokenMessage = 'A service message of the script could not be understood and was left out.'

/** With more entries than this behind an open message it is taken for text of a program that prints the marker. */
const maxHeldEntries = 1_000

class Collected {
  lines: LogLineDraft[] = []
  effects: ScriptEffect[] = []
  wroteErrors = false
  private lastMs = Number.NaN
  private lastInstant = ''

  say(category: OutputLevel, occurred: Date, text: string): void {
    if (category === 'ignore') return
    this.lines.push({ category, occurredAt: this.instant(occurred), text })
  }

  /** Many lines come in the same millisecond. */
  private instant(occurred: Date): string {
    const ms = occurred.getTime()
    if (ms !== this.lastMs) {
      this.lastMs = ms
      this.lastInstant = occurred.toISOString()
    }
    return this.lastInstant
  }
}

/** Where to go back to when a message turns out to be incomplete. */
interface Mark {
  readonly index: number
  readonly levels: OutputLevels
  readonly lines: number
  readonly effects: number
  readonly wroteErrors: boolean
}

/** Makes a reader that starts in the given levels (those of a script that is read on after a restart). */
export function createScriptOutputReader(initial: OutputLevels = defaultOutputLevels): ScriptOutputReader {
  let readers = freshReaders()
  let levels = initial
  let held: readonly OutputEntry[] = []

  function text(into: Collected, source: 'StdOut' | 'StdErr', occurred: Date, line: string): void {
    if (source === 'StdErr') into.wroteErrors = true
    into.say(source === 'StdOut' ? levels.stdout : levels.stderr, occurred, line)
  }

  function take(entry: OutputEntry, into: Collected): void {
    const { source, occurred } = entry
    if (source === 'Debug') {
      // The agent's own words about the process.
      into.say('Verbose', occurred, entry.text)
      return
    }
    const read = readers[source].read(entry.text)
    if (read.kind === 'unfinished') return
    const lines = read.kind === 'text' ? read.texts : read.text === '' ? [] : [read.text]
    for (const line of lines) text(into, source, occurred, line)
    if (read.kind === 'broken') into.say('Verbose', occurred, brokenMessage)
    if (read.kind === 'message') obey(read.message, source, occurred, into)
  }

  function obey(message: ServiceMessage, source: 'StdOut' | 'StdErr', occurred: Date, into: Collected): void {
    levels = switchLevel(levels, message.name) ?? levels
    const effect = effectOf(message)
    // Only masks are taken from stderr: whatever a program prints there must not change variables.
    if (effect !== undefined && (source === 'StdOut' || effect.kind === 'mask')) into.effects.push(effect)
    const remark = notSupported[message.name]
    if (remark !== undefined) into.say('Verbose', occurred, remark)
  }

  function whole({ lines, effects, wroteErrors }: Collected): ReadOutput {
    return { lines, effects, wroteErrors, levels, heldEntries: 0 }
  }

  function isOpen(): boolean {
    return readers.StdOut.heldLines() + readers.StdErr.heldLines() > 0
  }

  function flush(into: Collected, occurred: Date): void {
    for (const source of ['StdOut', 'StdErr'] as const) {
      for (const line of readers[source].end()) text(into, source, occurred, line)
    }
  }

  function readAll(entries: readonly OutputEntry[], into: Collected): Mark | undefined {
    let open: Mark | undefined
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]
      if (entry === undefined) break
      // Single values and no object: this runs for each of perhaps a million lines.
      const levelsBefore = levels
      const lines = into.lines.length
      const effects = into.effects.length
      const { wroteErrors } = into
      take(entry, into)
      if (isOpen()) open ??= { index, levels: levelsBefore, lines, effects, wroteErrors }
      else open = undefined
      if (open !== undefined && index - open.index >= maxHeldEntries) {
        flush(into, entry.occurred)
        open = undefined
      }
    }
    return open
  }

  return {
    read(entries) {
      const all = held.length === 0 ? entries : [...held, ...entries]
      const into = new Collected()
      const open = readAll(all, into)
      held = []
      if (open === undefined) return whole(into)
      // Everything from there on is read again with what comes next: what is given out now can be stored for good.
      held = all.slice(open.index)
      levels = open.levels
      readers = freshReaders()
      return {
        lines: into.lines.slice(0, open.lines),
        effects: into.effects.slice(0, open.effects),
        wroteErrors: open.wroteErrors,
        levels,
        heldEntries: held.length,
      }
    },
    end() {
      const into = new Collected()
      readAll(held, into)
      flush(into, held.at(-1)?.occurred ?? new Date(0))
      held = []
      return whole(into)
    },
  }
}

function freshReaders(): Readonly<Record<'StdOut' | 'StdErr', ServiceMessageReader>> {
  return { StdOut: createServiceMessageReader(), StdErr: createServiceMessageReader() }
}
