import { type Json, text, texts } from '../api/read.ts'
import type { NewTask } from '../api/tasks.ts'

/** What the script console's form holds. */
export interface ScriptForm {
  readonly description: string
  readonly body: string
  /** Whether targets are named one by one, or by where they are and what they do. */
  readonly by: 'machines' | 'environments'
  readonly machineIds: readonly string[]
  readonly environmentIds: readonly string[]
  readonly roles: readonly string[]
}

export const emptyForm: ScriptForm = {
  description: '',
  body: '',
  by: 'machines',
  machineIds: [],
  environmentIds: [],
  roles: [],
}

/** What is missing before the script can run, for each field; an empty object when nothing is. */
export function missingParts(form: ScriptForm): { readonly body?: string; readonly targets?: string } {
  const hasTargets =
    form.by === 'machines'
      ? form.machineIds.length > 0
      : form.environmentIds.length > 0 || form.roles.length > 0
  return {
    ...(form.body.trim() === '' ? { body: 'Write a script first.' } : {}),
    ...(hasTargets ? {} : { targets: targetsHint(form.by) }),
  }
}

function targetsHint(by: ScriptForm['by']): string {
  return by === 'machines' ? 'Choose at least one target.' : 'Choose at least one environment or role.'
}

/** The task that runs the form's script. Windows line ends are taken out: bash would take them for commands. */
export function scriptTask(space: string, form: ScriptForm): NewTask {
  const byMachines = form.by === 'machines'
  return {
    Name: 'AdHocScript',
    Description: form.description.trim() || 'Script from the console',
    SpaceId: space,
    Arguments: {
      TargetType: byMachines ? 'Machines' : 'Environments',
      MachineIds: byMachines ? form.machineIds : null,
      EnvironmentIds: byMachines ? null : form.environmentIds,
      TargetRoles: byMachines ? null : form.roles,
      Syntax: 'Bash',
      ScriptBody: form.body.replace(/\r\n/g, '\n'),
    },
  }
}

/** Fills the form from the arguments of a task that ran before, whatever the case of their names. */
export function formFromTask(description: string, taskArguments: Json): ScriptForm {
  const lower = Object.fromEntries(
    Object.entries(taskArguments).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const machineIds = texts(lower, 'machineids')
  return {
    description,
    body: text(lower, 'scriptbody'),
    by: machineIds.length > 0 || text(lower, 'targettype') === 'Machines' ? 'machines' : 'environments',
    machineIds,
    environmentIds: texts(lower, 'environmentids'),
    roles: texts(lower, 'targetroles'),
  }
}
