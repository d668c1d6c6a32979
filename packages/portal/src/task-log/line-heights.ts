import { columnsOf } from './ansi.ts'
import type { LogLine } from './log-tree.ts'

/** Where the lines of one list stand when each takes one or more rows of a fixed height. */
export interface LineHeights {
  /** Rows of all lines together. */
  readonly rows: number
  /** Rows above a line. */
  rowsBefore(index: number): number
  /** The line that a row belongs to. */
  lineAt(row: number): number
}

/** Without wrapping every line is one row. */
export function singleRows(lines: readonly LogLine[]): LineHeights {
  return { rows: lines.length, rowsBefore: index => index, lineAt: row => row }
}

interface WrapIndex {
  readonly columns: number
  /** The line that came first when this was counted: another one means that lines were let go. */
  readonly first: LogLine | undefined
  /** Rows up to and including each line. */
  readonly ends: number[]
}

const indexes = new WeakMap<readonly LogLine[], WrapIndex>()

/** With wrapping a line takes as many rows as its text needs. Counted once per line; growing lists are counted on. */
export function wrappedRows(lines: readonly LogLine[], columns: number): LineHeights {
  const width = Math.max(1, columns)
  let index = indexes.get(lines)
  if (!index || index.columns !== width || index.first !== lines[0]) {
    index = { columns: width, first: lines[0], ends: [] }
    indexes.set(lines, index)
  }
  const { ends } = index
  for (let at = ends.length; at < lines.length; at += 1) {
    ends.push((ends[at - 1] ?? 0) + Math.max(1, Math.ceil(columnsOf(lines[at]?.text ?? '') / width)))
  }
  return {
    rows: ends.at(-1) ?? 0,
    rowsBefore: line => ends[line - 1] ?? 0,
    lineAt: row => firstAbove(ends, row),
  }
}

/** The first place in a rising list whose value is above the one given. */
export function firstAbove(rising: readonly number[], value: number): number {
  let low = 0
  let high = rising.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rising[middle] ?? Number.POSITIVE_INFINITY) > value) high = middle
    else low = middle + 1
  }
  return low
}
