import { TentacleError } from '../errors.ts'
import type { Windows } from '../windows/windows.ts'
import type { Machine } from './machine.ts'

/** @throws TentacleError `ERR_SERVICE` on any other system. */
export function demandWindows({ windows }: Machine): Windows {
  if (windows !== undefined) return windows
  throw new TentacleError(
    'ERR_SERVICE',
    'This command is for Windows only. On Linux systemd starts an agent again by itself.',
  )
}
