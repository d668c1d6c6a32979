import { TentacleError } from '../errors.ts'
import type { Machine } from './machine.ts'

/** @throws TentacleError `ERR_SERVICE` on any other system. */
export function demandWindows(machine: Machine): void {
  if (machine.services.system === 'windows') return
  throw new TentacleError(
    'ERR_SERVICE',
    'This command is for Windows only. On Linux systemd starts an agent again by itself.',
  )
}
