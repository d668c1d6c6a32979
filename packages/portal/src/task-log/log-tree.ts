import type { ActivityEvent, LogEvent, TaskEvent } from './log-event.ts'

/** One line of the log as it is shown. A message of several lines is several of these with one sequence. */
export interface LogLine {
  readonly sequence: number
  readonly category: string
  readonly at: number | undefined
  readonly text: string
}

/** One node of the tree. */
export interface Activity {
  readonly id: string
  name: string
  status: string
  started: number | undefined
  ended: number | undefined
  progress: number
  progressMessage: string
  parent: Activity | undefined
  readonly children: Activity[]
  /** All lines. */
  readonly lines: LogLine[]
  /** The lines without the verbose ones. */
  readonly plainLines: LogLine[]
  /** Lines at the beginning that were let go because the log is too long for a page. */
  dropped: number
  warnings: number
  errors: number
  /** The sequence of the newest line in this node. */
  lastSequence: number
}

/** How many lines a page keeps. More would cost hundreds of MiB of memory; the raw log always has all of them. */
export const defaultLineLimit = 300_000

const verboseCategories = new Set(['Verbose', 'Trace'])
const warningCategories = new Set(['Warning', 'Alert'])
const errorCategories = new Set(['Error', 'Fatal'])

export function isVerbose(category: string): boolean {
  return verboseCategories.has(category)
}

/** A task's log as a tree that grows by events, which may come in any order and more than once. */
export interface LogTree {
  readonly roots: readonly Activity[]
  /** All activities by id, in the order in which they appeared. */
  readonly activities: ReadonlyMap<string, Activity>
  readonly lineCount: number
  /** Takes one event. Lines that are known already, by their sequence, are passed over. */
  apply(event: TaskEvent): void
}

/** Makes an empty tree that keeps at most `lineLimit` lines. */
export function createLogTree(lineLimit = defaultLineLimit): LogTree {
  const roots: Activity[] = []
  const activities = new Map<string, Activity>()
  let lastSequence = Number.NEGATIVE_INFINITY
  let lineCount = 0

  /** Finds a node, or makes one that stands for it until its own event comes. */
  function find(id: string): Activity {
    const known = activities.get(id)
    if (known) return known
    const made = emptyActivity(id)
    activities.set(id, made)
    roots.push(made)
    return made
  }

  function applyActivity(event: ActivityEvent): void {
    const activity = find(event.id)
    activity.name = event.name
    activity.status = event.status
    activity.started = event.started
    activity.ended = event.ended
    activity.progress = event.progress
    activity.progressMessage = event.progressMessage
    if (event.parentId !== undefined) moveUnder(activity, find(event.parentId), roots)
  }

  function applyLog(event: LogEvent): void {
    if (event.sequence <= lastSequence) return
    lastSequence = event.sequence
    const activity = find(event.activityId)
    activity.lastSequence = event.sequence
    if (warningCategories.has(event.category)) activity.warnings += 1
    if (errorCategories.has(event.category)) activity.errors += 1
    for (const text of toLines(event.text)) {
      const line = { sequence: event.sequence, category: event.category, at: event.at, text }
      activity.lines.push(line)
      if (!isVerbose(event.category)) activity.plainLines.push(line)
      lineCount += 1
    }
    if (lineCount > lineLimit) lineCount -= dropOldest(activities)
  }

  return {
    roots,
    activities,
    get lineCount() {
      return lineCount
    },
    apply(event) {
      if (event.kind === 'log') applyLog(event)
      else if (event.kind === 'activity') applyActivity(event)
    },
  }
}

function emptyActivity(id: string): Activity {
  return {
    id,
    name: id,
    status: 'Pending',
    started: undefined,
    ended: undefined,
    progress: 0,
    progressMessage: '',
    parent: undefined,
    children: [],
    lines: [],
    plainLines: [],
    dropped: 0,
    warnings: 0,
    errors: 0,
    lastSequence: 0,
  }
}

function moveUnder(activity: Activity, parent: Activity, roots: Activity[]): void {
  if (activity.parent === parent || isWithin(parent, activity)) return
  const siblings = activity.parent?.children ?? roots
  siblings.splice(siblings.indexOf(activity), 1)
  activity.parent = parent
  parent.children.push(activity)
}

/** Whether `inner` is `outer` or stands somewhere below it: such a parent would close a ring. */
function isWithin(inner: Activity, outer: Activity): boolean {
  for (let node: Activity | undefined = inner; node; node = node.parent) if (node === outer) return true
  return false
}

/** A program that redraws a line writes carriage returns: what counts is what a terminal would show in the end. */
function toLines(text: string): string[] {
  return text.split(/\r?\n/).map(line => {
    const shown = line.replace(/\r+$/, '')
    return shown.slice(shown.lastIndexOf('\r') + 1)
  })
}

/** Lets the first half of the longest activity go; answers how many lines that were. */
function dropOldest(activities: ReadonlyMap<string, Activity>): number {
  const [first] = activities.values()
  if (!first) return 0
  let longest = first
  for (const activity of activities.values())
    if (activity.lines.length > longest.lines.length) longest = activity
  const gone = longest.lines.splice(0, Math.ceil(longest.lines.length / 2))
  const kept = longest.lines[0]?.sequence ?? Number.POSITIVE_INFINITY
  const firstKept = longest.plainLines.findIndex(line => line.sequence >= kept)
  longest.plainLines.splice(0, firstKept < 0 ? longest.plainLines.length : firstKept)
  longest.dropped += gone.length
  return gone.length
}
