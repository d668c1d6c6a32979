import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ActivityEvent, LogEvent, TaskEvent } from './log-event.ts'
import { type Activity, createLogTree } from './log-tree.ts'

function activity(id: string, parentId?: string, part: Partial<ActivityEvent> = {}): ActivityEvent {
  return {
    kind: 'activity',
    id,
    parentId,
    name: `Name of ${id}`,
    status: 'Running',
    started: 1,
    ended: undefined,
    progress: 0,
    progressMessage: '',
    ...part,
  }
}

function log(sequence: number, activityId: string, text: string, category = 'Info'): LogEvent {
  return { kind: 'log', sequence, activityId, category, at: sequence, text }
}

function treeOf(events: readonly TaskEvent[], limit?: number) {
  const tree = createLogTree(limit)
  for (const event of events) tree.apply(event)
  return tree
}

/** The tree as nested lists of ids. */
function shape(activities: readonly Activity[]): unknown[] {
  return activities.map(({ id, children }) => (children.length === 0 ? id : [id, ...shape(children)]))
}

test('activities stand below their parents in the order in which they came', () => {
  const tree = treeOf([activity('root'), activity('a', 'root'), activity('b', 'root'), activity('a1', 'a')])
  assert.deepEqual(shape(tree.roots), [['root', ['a', 'a1'], 'b']])
})

test('a child may come before its parent, and a line before its activity', () => {
  const tree = treeOf([log(1, 'child', 'early'), activity('child', 'root'), activity('root')])
  assert.deepEqual(shape(tree.roots), [['root', 'child']])
  assert.equal(tree.activities.get('child')?.lines[0]?.text, 'early')
  assert.equal(tree.activities.get('child')?.name, 'Name of child')
})

test('an activity that is told again is changed, not added', () => {
  const tree = treeOf([
    activity('root'),
    activity('a', 'root'),
    activity('a', 'root', { status: 'Success', ended: 9, progress: 100 }),
  ])
  assert.deepEqual(shape(tree.roots), [['root', 'a']])
  const { status, ended, progress } = tree.activities.get('a') ?? {}
  assert.deepEqual({ status, ended, progress }, { status: 'Success', ended: 9, progress: 100 })
})

test('a parent that would close a ring is ignored', () => {
  const tree = treeOf([activity('a'), activity('b', 'a'), activity('a', 'b'), activity('c', 'c')])
  assert.deepEqual(shape(tree.roots), [['a', 'b'], 'c'])
})

test('lines that come a second time after a break are passed over', () => {
  const events = [activity('a'), log(1, 'a', 'one'), log(2, 'a', 'two')]
  const tree = treeOf([...events, ...events, log(3, 'a', 'three')])
  assert.deepEqual(
    tree.activities.get('a')?.lines.map(({ text }) => text),
    ['one', 'two', 'three'],
  )
  assert.equal(tree.lineCount, 3)
})

test('a message of several lines is several lines', () => {
  const tree = treeOf([log(1, 'a', 'one\r\ntwo\nthree')])
  assert.deepEqual(
    tree.activities.get('a')?.lines.map(({ text }) => text),
    ['one', 'two', 'three'],
  )
})

test('a line that was drawn over shows what a terminal would show in the end', () => {
  const tree = treeOf([log(1, 'a', ' 10 %\r 50 %\r100 %\r')])
  assert.equal(tree.activities.get('a')?.lines[0]?.text, '100 %')
})

test('verbose lines are kept apart; warnings and errors are counted', () => {
  const tree = treeOf([
    log(1, 'a', 'v', 'Verbose'),
    log(2, 'a', 'i'),
    log(3, 'a', 'w', 'Warning'),
    log(4, 'a', 'e', 'Error'),
    log(5, 'a', 'f', 'Fatal'),
  ])
  const a = tree.activities.get('a')
  assert.deepEqual([a?.lines.length, a?.plainLines.length, a?.warnings, a?.errors], [5, 4, 1, 2])
})

test('a log that is too long lets the oldest lines of its longest activity go and says how many', () => {
  const events: TaskEvent[] = [activity('small'), activity('big'), log(1, 'small', 'kept')]
  for (let number = 2; number <= 300; number += 1) {
    events.push(log(number, 'big', `line ${number}`, number % 3 === 0 ? 'Verbose' : 'Info'))
  }
  const tree = treeOf(events, 100)
  const big = tree.activities.get('big')
  assert.ok(tree.lineCount <= 100)
  assert.equal(tree.activities.get('small')?.lines.length, 1)
  assert.equal((big?.dropped ?? 0) + (big?.lines.length ?? 0), 299)
  assert.equal(big?.lines.at(-1)?.text, 'line 300')
  const plain = big?.lines.filter(({ category }) => category !== 'Verbose')
  assert.deepEqual(big?.plainLines, plain)
})

test('any break and resumption gives the same tree as one unbroken stream', () => {
  const ids = ['root', 'a', 'b', 'c']
  const parents: Record<string, string> = { a: 'root', b: 'root', c: 'a' }
  const states = ids.map(id => activity(id, parents[id]))
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ids)), fc.nat(), fc.nat(), (places, breakAt, resumeBack) => {
      const lines = places.map((id, at) => log(at + 1, id, `line ${at + 1}`))
      const cut = lines.length === 0 ? 0 : breakAt % (lines.length + 1)
      const again = Math.max(0, cut - (resumeBack % 5))
      const whole = treeOf([...states, ...lines])
      const broken = treeOf([...states, ...lines.slice(0, cut), ...states, ...lines.slice(again)])
      for (const id of ids)
        assert.deepEqual(broken.activities.get(id)?.lines, whole.activities.get(id)?.lines)
      assert.deepEqual(shape(broken.roots), shape(whole.roots))
    }),
  )
})
