import { firstAbove, type LineHeights, singleRows, wrappedRows } from './line-heights.ts'
import type { Activity, LogLine } from './log-tree.ts'

/** Heights in CSS pixels. */
export const lineHeight = 20
export const headHeight = 34

/** Columns that one level of the tree takes from the text; the style sheet indents by the same. */
export const columnsPerLevel = 2

/** How the tree is shown. */
export interface LayoutOptions {
  readonly isOpen: (activity: Activity) => boolean
  readonly verbose: boolean
  /** Columns that fit beside the time; `undefined` leaves long lines long. */
  readonly wrapColumns: number | undefined
}

/** A stretch of the page: the head of an activity, its lines, or the note that its first lines are not here. */
export interface Block {
  readonly kind: 'head' | 'gap' | 'lines'
  readonly activity: Activity
  readonly depth: number
  readonly top: number
  readonly height: number
  readonly lines: readonly LogLine[]
  readonly heights: LineHeights | undefined
}

/** The whole page, of which only a window is drawn. */
export interface Layout {
  readonly blocks: readonly Block[]
  readonly height: number
}

/** One thing to draw. */
export type Row =
  | {
      readonly kind: 'head'
      readonly key: string
      readonly top: number
      readonly height: number
      readonly block: Block
    }
  | {
      readonly kind: 'gap'
      readonly key: string
      readonly top: number
      readonly height: number
      readonly block: Block
    }
  | {
      readonly kind: 'line'
      readonly key: string
      readonly top: number
      readonly height: number
      readonly block: Block
      readonly line: LogLine
    }

/** Lays the open parts of the tree out. The cost grows with the activities, not with the lines. */
export function layOut(roots: readonly Activity[], options: LayoutOptions): Layout {
  const blocks: Block[] = []
  let top = 0
  const add = (
    part: Pick<Block, 'kind' | 'activity' | 'depth' | 'height'>,
    lines: readonly LogLine[] = [],
    heights?: LineHeights,
  ) => {
    blocks.push({ ...part, top, lines, heights })
    top += part.height
  }
  const visit = (activity: Activity, depth: number): void => {
    add({ kind: 'head', activity, depth, height: headHeight })
    if (!options.isOpen(activity)) return
    if (activity.dropped > 0) add({ kind: 'gap', activity, depth, height: lineHeight })
    const lines = options.verbose ? activity.lines : activity.plainLines
    if (lines.length > 0) {
      const columns = options.wrapColumns
      const heights =
        columns === undefined ? singleRows(lines) : wrappedRows(lines, columns - depth * columnsPerLevel)
      add({ kind: 'lines', activity, depth, height: heights.rows * lineHeight }, lines, heights)
    }
    for (const child of activity.children) visit(child, depth + 1)
  }
  for (const root of roots) visit(root, 0)
  return { blocks, height: top }
}

/** What stands between two heights of the page, in order. */
export function rowsBetween({ blocks }: Layout, from: number, to: number): readonly Row[] {
  const rows: Row[] = []
  const bottoms = blocks.map(block => block.top + block.height)
  for (let at = firstAbove(bottoms, from); at < blocks.length; at += 1) {
    const block = blocks[at]
    if (!block || block.top >= to) break
    if (block.kind === 'lines') addLines(rows, block, from, to)
    else
      rows.push({
        kind: block.kind,
        key: `${block.kind} ${block.activity.id}`,
        top: block.top,
        height: block.height,
        block,
      })
  }
  return rows
}

function addLines(rows: Row[], block: Block, from: number, to: number): void {
  const { heights, lines, activity } = block
  if (!heights) return
  const firstRow = Math.max(0, Math.floor((from - block.top) / lineHeight))
  for (let at = heights.lineAt(firstRow); at < lines.length; at += 1) {
    const line = lines[at]
    const before = heights.rowsBefore(at)
    const top = block.top + before * lineHeight
    if (!line || top >= to) break
    const height = (heights.rowsBefore(at + 1) - before) * lineHeight
    rows.push({ kind: 'line', key: `${activity.id} ${activity.dropped + at}`, top, height, block, line })
  }
}

/**
 * The height that a reader who follows the log wants at the bottom of the window: the end of the last activity that is
 * still running and has lines, else the end of the page.
 */
export function followedBottom({ blocks, height }: Layout): number {
  const running = blocks.findLast(({ kind, activity }) => kind === 'lines' && activity.status === 'Running')
  return running ? running.top + running.height : height
}

/** Long tasks start folded, except for what is going on or went wrong, so that the page is an overview first. */
export function isOpenAtFirst(activity: Activity, activityCount: number): boolean {
  if (activityCount <= 40 || activity.parent === undefined) return true
  return (
    activity.status === 'Running' || activity.status === 'Failed' || activity.status === 'SuccessWithWarning'
  )
}
