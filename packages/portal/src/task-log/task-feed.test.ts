import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTaskFeed, type TaskFeed } from './task-feed.ts'

function answer(text: string, signal: AbortSignal, stays: boolean): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text))
      if (!stays) controller.close()
      signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

function line(sequence: number, text: string): string {
  return `id: ${sequence}\nevent: log\ndata: ${JSON.stringify({ sequence, activityId: 'a', category: 'Info', messageText: text })}\n\n`
}

function taskEvent(state: string, isCompleted: boolean): string {
  return `event: task\ndata: ${JSON.stringify({ id: 'ServerTasks-1', state, isCompleted })}\n\n`
}

/** Resolves when the feed looks as asked for. */
function until(feed: TaskFeed, condition: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const check = () => {
      if (!condition()) return
      unsubscribe()
      resolve()
    }
    const unsubscribe = feed.subscribe(check)
    check()
  })
}

const texts = (feed: TaskFeed) =>
  feed
    .snapshot()
    .tree.activities.get('a')
    ?.lines.map(({ text }) => text)

test('a feed that was stopped goes on where it was', async () => {
  const asked: (string | undefined)[] = []
  const answers = [line(1, 'one') + line(2, 'two'), line(3, 'three') + taskEvent('Success', true)]
  const feed = createTaskFeed({
    async open(lastEventId, signal) {
      asked.push(lastEventId)
      return answer(answers[asked.length - 1] ?? '', signal, asked.length === 1)
    },
    soon: queueMicrotask,
  })
  feed.start()
  await until(feed, () => texts(feed)?.length === 2)
  feed.stop()
  assert.equal(feed.snapshot().state, 'paused')
  feed.start()
  await until(feed, () => feed.snapshot().state === 'ended')
  assert.deepEqual(asked, [undefined, '2'])
  assert.deepEqual(texts(feed), ['one', 'two', 'three'])
  assert.equal(feed.snapshot().task?.state, 'Success')
})

test('a feed that has ended is not asked for again', async () => {
  let opened = 0
  const feed = createTaskFeed({
    async open(_, signal) {
      opened += 1
      return answer(taskEvent('Failed', true), signal, false)
    },
    soon: queueMicrotask,
  })
  feed.start()
  await until(feed, () => feed.snapshot().state === 'ended')
  feed.stop()
  feed.start()
  assert.equal(opened, 1)
  assert.equal(feed.snapshot().state, 'ended')
})

test('the state of a finished task may come before its lines', async () => {
  const feed = createTaskFeed({
    open: async (_, signal) =>
      answer(taskEvent('Success', true) + line(1, 'one') + line(2, 'two'), signal, false),
    soon: queueMicrotask,
  })
  feed.start()
  await until(feed, () => feed.snapshot().state === 'ended')
  assert.deepEqual(texts(feed), ['one', 'two'])
})

test('ten thousand lines that come at once are told of a few times only', async () => {
  const many = Array.from({ length: 10_000 }, (_, at) => line(at + 1, `line ${at}`)).join('')
  const feed = createTaskFeed({
    open: async (_, signal) => answer(many + taskEvent('Success', true), signal, false),
    soon: callback => setImmediate(callback),
  })
  let told = 0
  feed.subscribe(() => {
    told += 1
  })
  feed.start()
  await until(feed, () => feed.snapshot().state === 'ended')
  assert.equal(texts(feed)?.length, 10_000)
  assert.ok(told < 20, `told ${told} times`)
})

test('data that is not understood is passed over', async () => {
  const odd = 'event: log\ndata: not json\n\nevent: log\ndata: [1]\n\nevent: weather\ndata: {}\n\n'
  const feed = createTaskFeed({
    open: async (_, signal) => answer(odd + line(1, 'one') + taskEvent('Success', true), signal, false),
    soon: queueMicrotask,
  })
  feed.start()
  await until(feed, () => feed.snapshot().state === 'ended')
  assert.deepEqual(texts(feed), ['one'])
})

test('the detail of a line stands below it', async () => {
  const data = {
    sequence: 1,
    activityId: 'a',
    category: 'Error',
    messageText: 'It failed.',
    detail: 'at here\nat there',
  }
  const feed = createTaskFeed({
    open: async (_, signal) =>
      answer(
        `id: 1\nevent: log\ndata: ${JSON.stringify(data)}\n\n${taskEvent('Failed', true)}`,
        signal,
        false,
      ),
    soon: queueMicrotask,
  })
  feed.start()
  await until(feed, () => feed.snapshot().state === 'ended')
  assert.deepEqual(texts(feed), ['It failed.', 'at here', 'at there'])
})
