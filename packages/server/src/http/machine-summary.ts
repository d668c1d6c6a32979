import { type Static, Type } from 'typebox'
import type { AnyMachine } from '../model/machine.ts'
import { QueryFlag, QueryList, QueryText } from '../web/schema.ts'
import { anyMachineFilters } from './machine-filters.ts'

const Counts = Type.Record(Type.String(), Type.Integer())

/** The numbers that summaries of environments and worker pools are made of. */
export const summaryFields = {
  TotalMachines: Type.Integer(),
  TotalDisabledMachines: Type.Integer(),
  MachineHealthStatusSummaries: Counts,
  MachineEndpointSummaries: Counts,
  MachineTenantSummaries: Counts,
  MachineTenantTagSummaries: Counts,
  TentacleUpgradesRequired: Type.Boolean(),
  MachineIdsForCalamariUpgrade: Type.Array(Type.String()),
  MachineIdsForTentacleUpgrade: Type.Array(Type.String()),
}
export const Summary = Type.Object(summaryFields)

/** What a summary can be limited to. */
export type SummaryQuery = Static<typeof SummaryQuery>
export const SummaryQuery = Type.Object({
  ...anyMachineFilters,
  ids: QueryList,
  partialName: QueryText,
  machinePartialName: QueryText,
  roles: QueryList,
  tenantIds: QueryList,
  tenantTags: QueryList,
  hideEmptyEnvironments: QueryFlag,
  hideEmptyWorkerPools: QueryFlag,
})

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

/** Counts these machines. */
export function summarize(machines: readonly AnyMachine[]): Static<typeof Summary> {
  const targets = machines.filter(machine => machine.kind === 'machine')
  return {
    TotalMachines: machines.length,
    TotalDisabledMachines: machines.filter(machine => machine.isDisabled).length,
    MachineHealthStatusSummaries: countBy(machines.map(machine => machine.health.status)),
    MachineEndpointSummaries: countBy(machines.map(machine => machine.endpoint.style)),
    MachineTenantSummaries: countBy(targets.flatMap(machine => machine.tenantIds)),
    MachineTenantTagSummaries: countBy(targets.flatMap(machine => machine.tenantTags)),
    TentacleUpgradesRequired: false,
    MachineIdsForCalamariUpgrade: [],
    MachineIdsForTentacleUpgrade: [],
  }
}

/** The machine filters of a summary's query: its `ids` and `partialName` are about the groups, not the machines. */
export function machineFiltersOf({
  ids: _ids,
  partialName: _group,
  machinePartialName,
  ...filters
}: SummaryQuery) {
  return machinePartialName === undefined ? filters : { ...filters, partialName: machinePartialName }
}
