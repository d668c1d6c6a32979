import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Doc, send, sendPage } from './answers.ts'

/** One task that a test drives. */
export interface FakeTask {
  readonly id: string
  readonly doc: Doc
  start(): void
  /** Adds a node or changes one. */
  activity(activity: {
    id: string
    parentId?: string
    name?: string
    status?: string
    progressPercentage?: number
  }): void
  log(activityId: string, messageText: string, category?: string): void
  finish(state: 'Success' | 'Failed' | 'Canceled', errorMessage?: string): void
  /** Cuts the streams that are open now, as a proxy or a restart would. */
  cutStreams(): void
  /** The `Last-Event-ID` of each request for the stream. */
  readonly resumes: (string | undefined)[]
}

/** The tasks of a fake server. */
export interface FakeTasks {
  add(request: Doc): FakeTask
  get(id: string): FakeTask | undefined
  ofMachine(id: string): readonly Doc[]
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    part: string,
    query: URLSearchParams,
  ): void
}

interface Stored extends FakeTask {
  readonly stream: (response: ServerResponse, lastEventId: string | undefined) => void
  readonly raw: () => string
}

/** Makes an empty set of tasks; `onChange` is told of each change of a task's state. */
export function createFakeTasks(onChange: (id: string) => void): FakeTasks {
  const all = new Map<string, Stored>()
  let count = 0

  return {
    add(request) {
      count += 1
      const task = createFakeTask(`ServerTasks-${count}`, request, onChange)
      all.set(task.id, task)
      onChange(task.id)
      return task
    },
    get: id => all.get(id),
    ofMachine: id => newestFirst(all).filter(doc => JSON.stringify(doc.Arguments ?? {}).includes(`"${id}"`)),
    answer(request, response, id, part, query) {
      const task = all.get(id)
      if (id === '') return sendTasks(response, query)
      if (!task) return send(response, 404, { ErrorMessage: `The task '${id}' was not found.` })
      if (part === 'events') return task.stream(response, request.headers['last-event-id']?.toString())
      if (part === 'raw') return sendText(response, task.raw())
      if (part === 'cancel') {
        task.doc.State = 'Cancelling'
        onChange(id)
      }
      send(response, 200, task.doc)
    },
  }

  function sendTasks(response: ServerResponse, query: URLSearchParams): void {
    const ids = query.get('ids')?.split(',')
    const states = query.get('states')?.split(',')
    const docs = newestFirst(all)
    const found = docs.filter(
      doc => (ids?.includes(String(doc.Id)) ?? true) && (states?.includes(String(doc.State)) ?? true),
    )
    sendPage(response, found, query, { TotalCounts: countStates(docs) })
  }
}

function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(text)
}

function newestFirst(all: ReadonlyMap<string, FakeTask>): Doc[] {
  return [...all.values()].map(({ doc }) => doc).toReversed()
}

function countStates(docs: readonly Doc[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { State } of docs) counts[String(State)] = (counts[String(State)] ?? 0) + 1
  return counts
}

function createFakeTask(id: string, request: Doc, onChange: (id: string) => void): Stored {
  const doc: Doc = {
    ...request,
    Id: id,
    State: 'Queued',
    IsCompleted: false,
    HasWarningsOrErrors: false,
    ErrorMessage: '',
    QueueTime: new Date().toISOString(),
    StartTime: null,
    CompletedTime: null,
    CanRerun: true,
    Links: {},
  }
  const activities = new Map<string, Doc>()
  const logs: Doc[] = []
  const streams = new Set<ServerResponse>()
  const resumes: (string | undefined)[] = []

  function changeState(part: Doc): void {
    Object.assign(doc, part)
    const event = { id, state: doc.State, isCompleted: doc.IsCompleted }
    for (const stream of streams) {
      stream.write(toEvent('task', event))
      if (doc.IsCompleted) stream.end()
    }
    onChange(id)
  }

  return {
    id,
    doc,
    resumes,
    start: () => changeState({ State: 'Executing', StartTime: new Date().toISOString() }),
    activity(change) {
      const known = activities.get(change.id)
      const status = change.status ?? known?.status ?? 'Running'
      const isOver = status !== 'Running' && status !== 'Pending'
      const next: Doc = {
        parentId: null,
        name: change.id,
        started: new Date().toISOString(),
        progressPercentage: 0,
        ...known,
        ...change,
        status,
        ended: isOver ? new Date().toISOString() : null,
      }
      activities.set(change.id, next)
      for (const stream of streams) stream.write(toEvent('activity', next))
    },
    log(activityId, messageText, category = 'Info') {
      const line = {
        sequence: logs.length + 1,
        activityId,
        category,
        occurredAt: new Date().toISOString(),
        messageText,
      }
      logs.push(line)
      for (const stream of streams) stream.write(toEvent('log', line, line.sequence))
    },
    finish: (state, errorMessage = '') =>
      changeState({
        State: state,
        IsCompleted: true,
        FinishedSuccessfully: state === 'Success',
        ErrorMessage: errorMessage,
        CompletedTime: new Date().toISOString(),
      }),
    cutStreams() {
      for (const stream of streams) stream.destroy()
    },
    stream(response, lastEventId) {
      resumes.push(lastEventId)
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      const seen = Number(lastEventId ?? 0)
      const past = [
        ...[...activities.values()].map(activity => toEvent('activity', activity)),
        ...logs
          .filter(line => Number(line.sequence) > seen)
          .map(line => toEvent('log', line, Number(line.sequence))),
        toEvent('task', { id, state: doc.State, isCompleted: doc.IsCompleted }),
      ]
      response.write(past.join(''))
      if (doc.IsCompleted) return void response.end()
      streams.add(response)
      response.on('close', () => streams.delete(response))
    },
    raw: () => logs.map(line => `${line.category}\t${line.messageText}\n`).join(''),
  }
}

function toEvent(name: string, data: Doc, eventId?: number): string {
  return `${eventId === undefined ? '' : `id: ${eventId}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
