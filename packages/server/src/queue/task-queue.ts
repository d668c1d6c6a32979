import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/database.ts'
import { toError } from '../errors.ts'
import type { ServerTask } from '../model/task.ts'
import {
  claimTask,
  expireTasks,
  finishTask,
  type LeaseHolder,
  releaseLease,
  renewLease,
  type TaskVerdict,
  takeOverTask,
} from './claim-task.ts'

/** What the work on a task is told from outside. */
export interface TaskSignals {
  /** Aborted when an operator cancels the task: end the scripts, then return. */
  readonly cancel: AbortSignal
  /** Aborted when this process must let go of the task (it stops, or lost the lease): return at once, end nothing. */
  readonly letGo: AbortSignal
}

/** Carries out a task. What it throws after `letGo` is of no interest; anything else thrown is a fault of the server. */
export type TaskWork = (task: ServerTask, signals: TaskSignals) => Promise<TaskVerdict>

export interface TaskQueueOptions {
  readonly db: Database
  /** Name of this node; the same after each start. */
  readonly node: string
  readonly work: TaskWork
  /** Told of each change of a task's state that the queue makes. */
  readonly onChanged: (task: ServerTask) => void
  /** Told of what goes wrong in the queue itself, e.g. a full disk. */
  readonly onError: (error: Error, taskId: string | undefined) => void
  /** Tasks at a time; default 5. */
  readonly cap?: number
  /** A lease is renewed at a third of this; default 30 s. */
  readonly leaseMs?: number
  /** Time between looks at the table when nobody calls; default 5 s. */
  readonly pollMs?: number
  readonly now?: () => Date
}

/** Works on the tasks in the table, one process of perhaps several. */
export interface TaskQueue {
  /** Starts working: first on the tasks that an earlier process of this node left unfinished. */
  start(): void
  /** Says that the table changed: a task was made or canceled, or a space's queue was opened. */
  wake(): void
  /** Passes an operator's cancel on to the work, if it is done here. */
  cancel(taskId: string): void
  /** Ids of the tasks that this process works on now. */
  working(): readonly string[]
  /** Takes no more tasks, lets go of those in work (they go on after the next start) and waits until all is let go. */
  stop(): Promise<void>
}

interface Work {
  readonly cancel: AbortController
  readonly letGo: AbortController
  done: Promise<void>
}

/** Makes the queue of this process; nothing happens before `start`. */
export function createTaskQueue(options: TaskQueueOptions): TaskQueue {
  const {
    db,
    node,
    cap = 5,
    leaseMs = 30_000,
    pollMs = 5_000,
    now = () => new Date(),
    onChanged,
    onError,
  } = options
  const holder: LeaseHolder = { node, owner: `${node}/${process.pid}/${randomUUID()}` }
  const inWork = new Map<string, Work>()
  // Cancels that came between the claim and the start of the work.
  const canceledEarly = new Set<string>()
  const stopping = new AbortController()
  let wakeUp = new AbortController()
  let loop: Promise<void> = Promise.resolve()

  function wake(): void {
    wakeUp.abort()
  }

  async function keepLease(task: ServerTask, work: Work, ended: AbortSignal): Promise<void> {
    let lastRenewed = now().getTime()
    while (!ended.aborted) {
      await sleep(leaseMs / 3, undefined, { signal: ended }).catch(() => undefined)
      if (ended.aborted) return
      try {
        const state = await renewLease(db, holder, task.id, { now: now(), leaseMs })
        lastRenewed = now().getTime()
        if (state === undefined) work.letGo.abort()
        // Another node may have taken the operator's cancel.
        if (state === 'Cancelling') work.cancel.abort()
      } catch (error) {
        onError(toError(error), task.id)
        // From here on another process may believe that nobody works on the task.
        if (now().getTime() - lastRenewed > leaseMs) work.letGo.abort()
      }
    }
  }

  async function verdictOf(task: ServerTask, work: Work): Promise<TaskVerdict | undefined> {
    try {
      const verdict = await options.work(task, { cancel: work.cancel.signal, letGo: work.letGo.signal })
      return work.letGo.signal.aborted ? undefined : verdict
    } catch (thrown) {
      if (work.letGo.signal.aborted) return undefined
      const error = toError(thrown)
      onError(error, task.id)
      return { state: 'Failed', errorMessage: `The server could not carry out the task: ${error.message}` }
    }
  }

  async function carryOut(task: ServerTask, work: Work): Promise<void> {
    const ended = new AbortController()
    const lease = keepLease(task, work, ended.signal)
    try {
      const verdict = await verdictOf(task, work)
      const finished = verdict && (await finishTask(db, holder, task.id, verdict, now()))
      if (finished) onChanged(finished)
      else await releaseLease(db, holder, task.id)
    } catch (error) {
      // The table keeps the lease; it runs out, and then the task is taken up again.
      onError(toError(error), task.id)
    } finally {
      ended.abort()
      await lease
      inWork.delete(task.id)
      wake()
    }
  }

  function begin(task: ServerTask): void {
    const work: Work = {
      cancel: new AbortController(),
      letGo: new AbortController(),
      done: Promise.resolve(),
    }
    if (canceledEarly.delete(task.id) || task.state === 'Cancelling') work.cancel.abort()
    inWork.set(task.id, work)
    onChanged(task)
    work.done = carryOut(task, work)
  }

  async function takeWork(): Promise<void> {
    for (const expired of await expireTasks(db, now())) onChanged(expired)
    const times = (): { now: Date; leaseMs: number } => ({ now: now(), leaseMs })
    // Unfinished tasks come first and do not wait for the cap: they hold their machines' scripts already.
    for (;;) {
      const orphan = stopping.signal.aborted ? undefined : await takeOverTask(db, holder, times())
      if (orphan === undefined) break
      // The lease ran out while the machine slept, but the work is still here: it is renewed now.
      if (!inWork.has(orphan.id)) begin(orphan)
    }
    for (;;) {
      const next = stopping.signal.aborted ? undefined : await claimTask(db, holder, { ...times(), cap })
      if (next === undefined) break
      begin(next)
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      wakeUp = new AbortController()
      try {
        await takeWork()
      } catch (error) {
        onError(toError(error), undefined)
      }
      await sleep(pollMs, undefined, { signal: wakeUp.signal }).catch(() => undefined)
    }
  }

  return {
    start() {
      loop = run()
    },
    wake,
    cancel(taskId) {
      const work = inWork.get(taskId)
      if (work === undefined) canceledEarly.add(taskId)
      else work.cancel.abort()
    },
    working() {
      return [...inWork.keys()]
    },
    async stop() {
      stopping.abort()
      wake()
      await loop
      for (const work of inWork.values()) work.letGo.abort()
      await Promise.all([...inWork.values()].map(work => work.done))
    },
  }
}
