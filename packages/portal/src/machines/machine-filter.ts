import type { Machine } from '../api/machines.ts'
import { healthNames, styleName } from '../text/states.ts'

/** What a list of targets is narrowed to. All parts that are given must fit. */
export interface MachineFilter {
  /** Words, each of which must occur in the name, a role, the address, the thumbprint or another shown field. */
  readonly text?: string | undefined
  readonly environmentId?: string | undefined
  readonly health?: string | undefined
}

/** The targets that fit, worst health first, then by name. */
export function filterMachines(machines: readonly Machine[], filter: MachineFilter): readonly Machine[] {
  const words = (filter.text ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  return machines
    .filter(machine => {
      if (filter.environmentId && !machine.environmentIds.includes(filter.environmentId)) return false
      if (filter.health && stateOf(machine) !== filter.health) return false
      const text = searchText(machine)
      return words.every(word => text.includes(word))
    })
    .toSorted(
      (a, b) =>
        rank(a) - rank(b) || a.name.localeCompare(b.name, 'en', { numeric: true, sensitivity: 'base' }),
    )
}

/** How many targets are in each state of health; those that are switched off count as `Disabled`. */
export function countByHealth(machines: readonly Machine[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const machine of machines) counts.set(stateOf(machine), (counts.get(stateOf(machine)) ?? 0) + 1)
  return counts
}

/** The states of health in the order of the lists, with the one of machines that are switched off. */
export const machineStates: readonly string[] = [...healthNames, 'Disabled']

function stateOf(machine: Machine): string {
  return machine.isDisabled ? 'Disabled' : machine.health
}

function rank(machine: Machine): number {
  const at = machineStates.indexOf(stateOf(machine))
  return at < 0 ? machineStates.length : at
}

function searchText(machine: Machine): string {
  const parts = [
    machine.name,
    ...machine.roles,
    machine.uri,
    machine.thumbprint,
    styleName(machine.style),
    machine.version,
  ]
  return parts.join('\n').toLowerCase()
}
