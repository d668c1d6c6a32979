/** How a state looks. Each tone has a colour, and each state also has its own sign and word. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'idle'

/** The signs that `parts/icons.tsx` draws for states. */
export type Sign =
  | 'tick'
  | 'cross'
  | 'warning'
  | 'spin'
  | 'clock'
  | 'stop'
  | 'question'
  | 'skip'
  | 'unplugged'

/** What is shown for one state. */
export interface StateLook {
  readonly label: string
  readonly tone: Tone
  readonly sign: Sign
}

/** The states of a task, as the server names them, in the order in which the filter offers them. */
export const taskStateNames = [
  'Executing',
  'Queued',
  'Cancelling',
  'Failed',
  'TimedOut',
  'Canceled',
  'Success',
] as const
export type TaskState = (typeof taskStateNames)[number]

const taskLooks: Record<TaskState, StateLook> = {
  Queued: { label: 'Queued', tone: 'idle', sign: 'clock' },
  Executing: { label: 'Running', tone: 'busy', sign: 'spin' },
  Cancelling: { label: 'Cancelling', tone: 'warn', sign: 'spin' },
  Success: { label: 'Succeeded', tone: 'good', sign: 'tick' },
  Failed: { label: 'Failed', tone: 'bad', sign: 'cross' },
  TimedOut: { label: 'Timed out', tone: 'bad', sign: 'clock' },
  Canceled: { label: 'Cancelled', tone: 'idle', sign: 'stop' },
}

export function isTaskState(name: string): name is TaskState {
  return Object.hasOwn(taskLooks, name)
}

/** The look of a task; a success with warnings is told apart from a clean one. */
export function taskLook(state: string, hasWarnings = false): StateLook {
  if (state === 'Success' && hasWarnings)
    return { label: 'Succeeded with warnings', tone: 'warn', sign: 'warning' }
  return isTaskState(state) ? taskLooks[state] : { label: state, tone: 'idle', sign: 'question' }
}

/** The health states of a machine, worst first: what needs attention stands on top. */
export const healthNames = ['Unavailable', 'Unhealthy', 'HasWarnings', 'Unknown', 'Healthy'] as const
export type Health = (typeof healthNames)[number]

const healthLooks: Record<Health, StateLook> = {
  Healthy: { label: 'Healthy', tone: 'good', sign: 'tick' },
  HasWarnings: { label: 'Has warnings', tone: 'warn', sign: 'warning' },
  Unhealthy: { label: 'Unhealthy', tone: 'bad', sign: 'cross' },
  Unavailable: { label: 'Unavailable', tone: 'bad', sign: 'unplugged' },
  Unknown: { label: 'Not checked yet', tone: 'idle', sign: 'question' },
}

export function isHealth(name: string): name is Health {
  return Object.hasOwn(healthLooks, name)
}

/** The look of a machine's health. */
export function healthLook(health: string, isDisabled = false): StateLook {
  if (isDisabled) return { label: 'Disabled', tone: 'idle', sign: 'stop' }
  return isHealth(health) ? healthLooks[health] : { label: health, tone: 'idle', sign: 'question' }
}

const activityLooks: Record<string, StateLook> = {
  Pending: { label: 'Waiting', tone: 'idle', sign: 'clock' },
  Running: { label: 'Running', tone: 'busy', sign: 'spin' },
  Success: { label: 'Succeeded', tone: 'good', sign: 'tick' },
  SuccessWithWarning: { label: 'Succeeded with warnings', tone: 'warn', sign: 'warning' },
  Failed: { label: 'Failed', tone: 'bad', sign: 'cross' },
  Skipped: { label: 'Skipped', tone: 'idle', sign: 'skip' },
  Canceled: { label: 'Cancelled', tone: 'idle', sign: 'stop' },
}

/** The look of one node of a task's log. */
export function activityLook(status: string): StateLook {
  return activityLooks[status] ?? { label: status, tone: 'idle', sign: 'question' }
}

/** How the server and the Tentacle reach each other, from the endpoint's communication style. */
export function styleName(communicationStyle: string): string {
  if (communicationStyle === 'TentaclePassive') return 'Listening'
  if (communicationStyle === 'TentacleActive') return 'Polling'
  if (communicationStyle === 'Ssh') return 'SSH'
  return communicationStyle
}
