import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../api/api-error.ts'
import { type EventStreamParts, followEvents, type StreamState } from './event-stream.ts'

/** An answer whose body is the pieces given; it then ends, breaks, or stays open until it is aborted. */
function stream(pieces: readonly string[], then: 'end' | 'break' | 'stay', signal?: AbortSignal): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
      if (then === 'end') controller.close()
      signal?.addEventListener('abort', () => controller.error(signal.reason), { once: true })
    },
    async pull(controller) {
      if (then !== 'break') return
      // What came before the break is read first; an error at once would throw it away.
      await new Promise(resolve => setTimeout(resolve, 5))
      controller.error(new Error('The connection was reset.'))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

type Opener = EventStreamParts['open']

/** Follows a stream that answers each try with the next of the openers, without real waiting. */
async function follow(
  openers: readonly Opener[],
  isOver: (seen: readonly string[]) => boolean,
  parts: Partial<EventStreamParts> = {},
) {
  const seen: string[] = []
  const states: StreamState[] = []
  const waits: number[] = []
  const resumes: (string | undefined)[] = []
  const control = new AbortController()
  let turn = 0
  await followEvents(
    {
      open(lastEventId, signal) {
        resumes.push(lastEventId)
        const opener = openers[turn]
        turn += 1
        if (opener) return opener(lastEventId, signal)
        control.abort()
        return Promise.reject(new Error('no more answers'))
      },
      onEvent: event => seen.push(event.data),
      isOver: () => isOver(seen),
      onState: state => states.push(state),
      wait: async milliseconds => {
        waits.push(milliseconds)
      },
      random: () => 1,
      ...parts,
    },
    control.signal,
  )
  return { seen, states, waits, resumes }
}

const event = (id: number, data: string) => `id: ${id}\ndata: ${data}\n\n`
const unreachable: Opener = () => Promise.reject(new ApiError('ERR_UNREACHABLE', 'no answer'))

test('a stream that ends when its story is over is followed once', async () => {
  const { seen, states } = await follow(
    [async () => stream([event(1, 'a'), event(2, 'end')], 'end')],
    events => events.includes('end'),
  )
  assert.deepEqual(seen, ['a', 'end'])
  assert.deepEqual(states, ['connecting', 'live', 'ended'])
})

test('after a break the stream is asked for what comes after the last event', async () => {
  const { seen, resumes, states } = await follow(
    [
      async () => stream([event(1, 'a'), event(2, 'b'), 'id: 3\ndata: hal'], 'break'),
      async () => stream([event(3, 'half'), event(4, 'end')], 'end'),
    ],
    events => events.includes('end'),
  )
  assert.deepEqual(seen, ['a', 'b', 'half', 'end'])
  assert.deepEqual(resumes, [undefined, '2'])
  assert.deepEqual(states, ['connecting', 'live', 'waiting', 'connecting', 'live', 'ended'])
})

test('a stream that ends too early is asked for again', async () => {
  const { resumes } = await follow(
    [async () => stream([event(5, 'a')], 'end'), async () => stream([event(6, 'end')], 'end')],
    events => events.includes('end'),
  )
  assert.deepEqual(resumes, [undefined, '5'])
})

test('the tries come further apart while the server is away, up to a limit', async () => {
  const { waits } = await follow(Array<Opener>(8).fill(unreachable), () => false)
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
})

test('a connection that brought something resets the pause', async () => {
  const { waits } = await follow(
    [unreachable, unreachable, async () => stream([event(1, 'a')], 'break'), unreachable],
    () => false,
  )
  assert.deepEqual(waits, [500, 1000, 500, 1000])
})

for (const [status, code] of [
  [401, 'ERR_SIGNED_OUT'],
  [404, 'ERR_NOT_FOUND'],
] as const) {
  test(`a refusal with ${status} ends the following at once`, async () => {
    const refused = new ApiError(code, 'no', { status })
    const { states, waits } = await follow([() => Promise.reject(refused)], () => false)
    assert.deepEqual(states, ['connecting', 'failed'])
    assert.deepEqual(waits, [])
  })
}

test('a server that is starting is asked again', async () => {
  const starting = new ApiError('ERR_SERVER', 'starting', { status: 503 })
  const { states } = await follow(
    [() => Promise.reject(starting), async () => stream([event(1, 'end')], 'end')],
    events => events.includes('end'),
  )
  assert.deepEqual(states, ['connecting', 'waiting', 'connecting', 'live', 'ended'])
})

test('an answer that is no stream of events is refused', async () => {
  const page = new Response('<html>', { headers: { 'content-type': 'text/html' } })
  const { states } = await follow([async () => page], () => false)
  assert.deepEqual(states, ['connecting', 'failed'])
})

test('a connection that is silent for too long counts as broken', async () => {
  const { seen, resumes } = await follow(
    [
      async (_, signal) => stream([event(1, 'a')], 'stay', signal),
      async () => stream([event(2, 'end')], 'end'),
    ],
    events => events.includes('end'),
    { silenceMs: 20 },
  )
  assert.deepEqual(seen, ['a', 'end'])
  assert.deepEqual(resumes, [undefined, '1'])
})

test('signs of life keep a silent connection', async () => {
  let beats = 0
  const beating: Opener = async () => {
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise(resolve => setTimeout(resolve, 10))
        beats += 1
        controller.enqueue(new TextEncoder().encode(beats < 12 ? ': still here\n\n' : event(1, 'end')))
        if (beats === 12) controller.close()
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  const { resumes } = await follow([beating], events => events.includes('end'), { silenceMs: 80 })
  assert.deepEqual(resumes, [undefined])
})

test('aborting ends the following without another try', async () => {
  const control = new AbortController()
  const states: StreamState[] = []
  const following = followEvents(
    {
      open: async (_, signal) => stream([], 'stay', signal),
      onEvent: () => {},
      onState(state) {
        states.push(state)
        if (state === 'live') control.abort()
      },
    },
    control.signal,
  )
  await following
  assert.deepEqual(states, ['connecting', 'live'])
})
