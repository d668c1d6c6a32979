import type { AnyMachine } from '../model/machine.ts'
import type { HttpParts } from './parts.ts'

type Parts = Pick<HttpParts, 'agents' | 'hub' | 'tasks'>

/** Limits of the check that follows a registration: for the whole task and for each machine. */
const healthLimits = { Timeout: '00:05:00', MachineTimeout: '00:01:00' }

/** What follows the storing of a machine: it is trusted from now on, the others hear of it, and its health is looked at. */
export async function machineStored(
  { agents, hub, tasks }: Parts,
  machine: AnyMachine,
  { change, checkHealth, by }: { change: 'added' | 'changed'; checkHealth: boolean; by: string },
): Promise<void> {
  await agents.refreshTrust()
  hub.publish({ kind: 'machine', machineId: machine.id, change })
  if (!checkHealth || machine.isDisabled) return
  await tasks.create({
    spaceId: machine.spaceId,
    name: 'Health',
    description: `Check the health of ${machine.name}, which was ${change === 'added' ? 'added' : 'registered again'}`,
    arguments: { ...healthLimits, MachineIds: [machine.id] },
    machineIds: [machine.id],
    createdBy: by,
  })
}

/** What follows the deletion of a machine: its connections are cut. */
export async function machineDeleted({ agents, hub }: Parts, machine: AnyMachine): Promise<void> {
  await agents.refreshTrust()
  hub.publish({ kind: 'machine', machineId: machine.id, change: 'removed' })
}

/** True when the address or the certificate changed: the next contact is with another Tentacle. */
export function isOtherTentacle(before: AnyMachine, after: AnyMachine): boolean {
  return (
    before.endpoint.uri !== after.endpoint.uri || before.endpoint.thumbprint !== after.endpoint.thumbprint
  )
}
