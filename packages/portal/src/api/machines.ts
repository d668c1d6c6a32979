import type { ApiClient } from './client.ts'
import {
  asObject,
  flag,
  isObject,
  type Json,
  list,
  moment,
  object,
  optionalText,
  type Page,
  page,
  text,
  texts,
} from './read.ts'
import { readTask, type Task } from './tasks.ts'

/** A deployment target: one machine with its Tentacle. */
export interface Machine {
  readonly id: string
  readonly name: string
  readonly environmentIds: readonly string[]
  readonly roles: readonly string[]
  readonly policyId: string | undefined
  readonly isDisabled: boolean
  readonly health: string
  /** The outcome of the last check in words. */
  readonly summary: string
  /** `TentaclePassive` (listening), `TentacleActive` (polling) or another style. */
  readonly style: string
  readonly uri: string
  readonly thumbprint: string
  readonly version: string | undefined
  readonly operatingSystem: string | undefined
  readonly architecture: string | undefined
  readonly shell: string | undefined
  readonly lastChecked: number | undefined
}

/** One line of a machine's last health check. */
export interface ConnectionLine {
  readonly category: string
  readonly at: number | undefined
  readonly message: string
  readonly detail: string
}

/** What the last health check found. */
export interface MachineConnection {
  readonly status: string
  readonly version: string | undefined
  readonly lastChecked: number | undefined
  readonly lines: readonly ConnectionLine[]
}

/** All machines of a space by name. */
export async function listMachines(
  api: ApiClient,
  space: string,
  signal?: AbortSignal,
): Promise<readonly Machine[]> {
  return list(await api.get(`api/${space}/machines/all`, signal), readMachine)
}

export async function getMachine(
  api: ApiClient,
  space: string,
  id: string,
  signal?: AbortSignal,
): Promise<Machine> {
  return readMachine(asObject(await api.get(machinePath(space, id), signal)))
}

export async function getMachineConnection(
  api: ApiClient,
  space: string,
  id: string,
  signal?: AbortSignal,
): Promise<MachineConnection> {
  const answer = asObject(await api.get(`${machinePath(space, id)}/connection`, signal))
  return {
    status: text(answer, 'Status'),
    version: optionalText(answer, 'CurrentTentacleVersion'),
    lastChecked: moment(answer, 'LastChecked'),
    lines: Array.isArray(answer.Logs) ? answer.Logs.filter(isObject).map(readLine) : [],
  }
}

/** The newest tasks that touched a machine. */
export async function listMachineTasks(
  api: ApiClient,
  space: string,
  id: string,
  signal?: AbortSignal,
): Promise<Page<Task>> {
  return page(await api.get(`${machinePath(space, id)}/tasks?take=15`, signal), readTask)
}

/** The name of a machine policy. */
export async function getPolicyName(
  api: ApiClient,
  space: string,
  id: string,
  signal?: AbortSignal,
): Promise<string> {
  return text(
    asObject(await api.get(`api/${space}/machinepolicies/${encodeURIComponent(id)}`, signal)),
    'Name',
  )
}

function machinePath(space: string, id: string): string {
  return `api/${space}/machines/${encodeURIComponent(id)}`
}

function readMachine(machine: Json): Machine {
  const endpoint = object(machine, 'Endpoint')
  return {
    id: text(machine, 'Id'),
    name: text(machine, 'Name'),
    environmentIds: texts(machine, 'EnvironmentIds'),
    roles: texts(machine, 'Roles'),
    policyId: optionalText(machine, 'MachinePolicyId'),
    isDisabled: flag(machine, 'IsDisabled'),
    health: text(machine, 'HealthStatus', 'Unknown'),
    summary: text(machine, 'StatusSummary'),
    style: text(endpoint, 'CommunicationStyle'),
    uri: text(endpoint, 'Uri') || text(machine, 'Uri'),
    thumbprint: text(endpoint, 'Thumbprint') || text(machine, 'Thumbprint'),
    version: optionalText(object(endpoint, 'TentacleVersionDetails'), 'Version'),
    operatingSystem: joined(machine, 'OperatingSystem', 'OperatingSystemVersion'),
    architecture: optionalText(machine, 'Architecture'),
    shell: joined(machine, 'ShellName', 'ShellVersion'),
    lastChecked: moment(machine, 'LastChecked'),
  }
}

function joined(from: Json, ...names: string[]): string | undefined {
  const words = names.map(name => text(from, name)).filter(word => word !== '' && word !== 'Unknown')
  return words.join(' ') || undefined
}

function readLine(line: Json): ConnectionLine {
  return {
    category: text(line, 'Category', 'Info'),
    at: moment(line, 'OccurredAt'),
    message: text(line, 'MessageText'),
    detail: text(line, 'Detail'),
  }
}
