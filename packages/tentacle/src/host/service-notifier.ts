import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'

/** Sends word to systemd; a socket of a kind that Node has not, so a program of systemd's does it. */
const program = 'systemd-notify'

/** What a message may take, in ms, before it is given up. */
const patienceMs = 10_000

/** Variables of systemd's that are for the agent alone: scripts must neither answer for it nor watch it. */
const ownVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']

/** Tells the service manager how the agent is. Says nothing where nobody listens. */
export interface ServiceNotifier {
  /** The agent works now; from here on it also shows that it is alive. */
  ready(status: string): Promise<void>
  /** The agent is about to end. */
  stopping(): Promise<void>
}

/** What the notifier needs. */
export interface NotifierOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly processId: number
  readonly log: Log
}

/** The environment without what systemd says to the agent alone. */
export function withoutServiceVariables(env: NotifierOptions['env']): NotifierOptions['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ownVariables.includes(name)))
}

/**
 * A notifier for the environment of this process (docs/wire/tentacle-service.md 2): `READY=1`, `STATUS=…`, `STOPPING=1`,
 * and `WATCHDOG=1` twice in each period. Every message starts a process, so it comes from another one than the agent;
 * the unit says `NotifyAccess=all`.
 */
export function createServiceNotifier({ env, processId, log }: NotifierOptions): ServiceNotifier {
  if (!env.NOTIFY_SOCKET) return { ready: async () => undefined, stopping: async () => undefined }
  let hasComplained = false
  const send = async (...states: string[]): Promise<void> => {
    try {
      await tell(states, env)
      hasComplained = false
    } catch (error) {
      if (!hasComplained) log.warn(`systemd cannot be told ${states[0]}: ${toError(error).message}`)
      hasComplained = true
    }
  }
  const stopped = new AbortController()
  const beat = async (everyMs: number): Promise<void> => {
    const { signal } = stopped
    while (!signal.aborted) {
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (!signal.aborted) await send('WATCHDOG=1')
    }
  }
  return {
    async ready(status) {
      await send('READY=1', `STATUS=${status}`)
      const period = watchdogPeriod(env, processId)
      if (period !== undefined) void beat(period / 2)
    },
    async stopping() {
      stopped.abort()
      await send('STOPPING=1', 'STATUS=Stopping; scripts that run go on')
    },
  }
}

/** How often systemd wants to hear of the agent, in ms; undefined when it does not. */
export function watchdogPeriod(env: NotifierOptions['env'], processId: number): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC ?? '')
  const isForUs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(processId)
  return isForUs && Number.isInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}

async function tell(states: readonly string[], env: NotifierOptions['env']): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(program, [...states], { env: { ...env }, timeout: patienceMs }, (error, _, stderr) => {
      if (error === null) resolve()
      else reject(new Error(stderr.trim() || error.message))
    })
  })
}
