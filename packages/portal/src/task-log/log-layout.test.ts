import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  followedBottom,
  headHeight,
  isOpenAtFirst,
  type LayoutOptions,
  layOut,
  lineHeight,
  rowsBetween,
} from './log-layout.ts'
import { createLogTree, type LogTree } from './log-tree.ts'

interface Node {
  readonly id: string
  readonly parentId?: string
  readonly status?: string
  readonly lines?: readonly string[]
}

function build(nodes: readonly Node[]): LogTree {
  const tree = createLogTree()
  let sequence = 0
  for (const { id, parentId, status = 'Running', lines = [] } of nodes) {
    tree.apply({
      kind: 'activity',
      id,
      parentId,
      name: id,
      status,
      started: 1,
      ended: undefined,
      progress: 0,
      progressMessage: '',
    })
    for (const text of lines) {
      sequence += 1
      const category = text.startsWith('verbose') ? 'Verbose' : 'Info'
      tree.apply({ kind: 'log', sequence, activityId: id, category, at: 1, text })
    }
  }
  return tree
}

const open: LayoutOptions = { isOpen: () => true, verbose: false, wrapColumns: undefined }

function words(tree: LogTree, options = open, from = 0, to = Number.POSITIVE_INFINITY): string[] {
  return rowsBetween(layOut(tree.roots, options), from, to).map(row =>
    row.kind === 'line' ? row.line.text : `${row.kind} ${row.block.activity.id}`,
  )
}

test('an activity shows its head, its lines, then its children', () => {
  const tree = build([
    { id: 'root', lines: ['r1'] },
    { id: 'a', parentId: 'root', lines: ['a1', 'a2'] },
  ])
  assert.deepEqual(words(tree), ['head root', 'r1', 'head a', 'a1', 'a2'])
})

test('a closed activity shows its head only', () => {
  const tree = build([
    { id: 'root', lines: ['r1'] },
    { id: 'a', parentId: 'root', lines: ['a1'] },
    { id: 'b' },
  ])
  assert.deepEqual(words(tree, { ...open, isOpen: ({ id }) => id !== 'root' }), ['head root', 'head b'])
})

test('verbose lines show when they are asked for', () => {
  const tree = build([{ id: 'a', lines: ['one', 'verbose two', 'three'] }])
  assert.deepEqual(words(tree), ['head a', 'one', 'three'])
  assert.deepEqual(words(tree, { ...open, verbose: true }), ['head a', 'one', 'verbose two', 'three'])
})

test('only what the window shows is drawn, at its place', () => {
  const tree = build([{ id: 'a', lines: Array.from({ length: 100_000 }, (_, at) => `line ${at}`) }])
  const layout = layOut(tree.roots, open)
  assert.equal(layout.height, headHeight + 100_000 * lineHeight)
  const from = headHeight + 50_000 * lineHeight
  const rows = rowsBetween(layout, from, from + 3 * lineHeight)
  assert.deepEqual(
    rows.map(row => [row.kind === 'line' && row.line.text, row.top]),
    [0, 1, 2].map(at => [`line ${50_000 + at}`, from + at * lineHeight]),
  )
})

test('with wrapping a line is as high as the rows it needs', () => {
  const tree = build([{ id: 'a', lines: ['short', 'x'.repeat(25), ''] }])
  const rows = rowsBetween(layOut(tree.roots, { ...open, wrapColumns: 10 }), 0, 10_000)
  assert.deepEqual(
    rows.map(({ height }) => height),
    [headHeight, lineHeight, 3 * lineHeight, lineHeight],
  )
})

test('lines of deeper activities have fewer columns', () => {
  const tree = build([{ id: 'a' }, { id: 'b', parentId: 'a', lines: ['x'.repeat(20)] }])
  const height = (wrapColumns: number) => layOut(tree.roots, { ...open, wrapColumns }).height - 2 * headHeight
  assert.equal(height(22), lineHeight)
  assert.equal(height(21), 2 * lineHeight)
})

test('lines that are added after a layout are counted on', () => {
  const tree = build([{ id: 'a', lines: ['x'.repeat(15)] }])
  const options = { ...open, wrapColumns: 10 }
  const before = layOut(tree.roots, options).height
  tree.apply({ kind: 'log', sequence: 99, activityId: 'a', category: 'Info', at: 1, text: 'y'.repeat(31) })
  assert.equal(layOut(tree.roots, options).height, before + 4 * lineHeight)
})

test('windows of any height, one below the other, show every row once', () => {
  const nodes = fc.array(fc.array(fc.stringMatching(/^[a-z ]{0,40}$/), { maxLength: 30 }), {
    minLength: 1,
    maxLength: 6,
  })
  const columns = fc.option(fc.integer({ min: 3, max: 20 }), { nil: undefined })
  fc.assert(
    fc.property(nodes, columns, fc.integer({ min: 7, max: 300 }), (texts, wrapColumns, window) => {
      const tree = build(
        texts.map((lines, at) => ({ id: `n${at}`, ...(at > 0 ? { parentId: `n${at >> 1}` } : {}), lines })),
      )
      const layout = layOut(tree.roots, { ...open, wrapColumns })
      const keys = new Set<string>()
      for (let top = 0; top < layout.height; top += window) {
        for (const row of rowsBetween(layout, top, top + window)) {
          assert.ok(row.top < top + window && row.top + row.height > top, 'the row touches its window')
          keys.add(row.key)
        }
      }
      const all = rowsBetween(layout, 0, layout.height)
      assert.deepEqual([...keys].toSorted(), all.map(({ key }) => key).toSorted())
      assert.equal(
        all.reduce((sum, { height }) => sum + height, 0),
        layout.height,
      )
    }),
  )
})

test('following keeps the end of the last running activity in sight, else the end of the page', () => {
  const tree = build([
    { id: 'root' },
    { id: 'a', parentId: 'root', lines: ['a1', 'a2'] },
    { id: 'b', parentId: 'root', status: 'Success', lines: ['b1'] },
    { id: 'c', parentId: 'root', status: 'Pending' },
  ])
  assert.equal(followedBottom(layOut(tree.roots, open)), 2 * headHeight + 2 * lineHeight)
  tree.apply({
    kind: 'activity',
    id: 'a',
    parentId: 'root',
    name: 'a',
    status: 'Success',
    started: 1,
    ended: 2,
    progress: 0,
    progressMessage: '',
  })
  const layout = layOut(tree.roots, open)
  assert.equal(followedBottom(layout), layout.height)
})

test('in a task of many activities those that went well start closed', () => {
  const tree = build([
    { id: 'root' },
    { id: 'good', parentId: 'root', status: 'Success' },
    { id: 'bad', parentId: 'root', status: 'Failed' },
    { id: 'busy', parentId: 'root' },
  ])
  const opened = (count: number) =>
    [...tree.activities.values()].filter(one => isOpenAtFirst(one, count)).map(({ id }) => id)
  assert.deepEqual(opened(4), ['root', 'good', 'bad', 'busy'])
  assert.deepEqual(opened(400), ['root', 'bad', 'busy'])
})
