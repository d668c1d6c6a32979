import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compileCacheName, keeperTitle } from '../keeper/keeper-protocol.ts'
import { openProcessTable, type ProcessTable } from '../processes/process-table.ts'
import { freeSpaceOf } from '../workspaces/disk-space.ts'
import { listWorkspaces, workFolder } from '../workspaces/script-workspace.ts'
import type { Family } from './exposition.ts'
import { gauge } from './instruments.ts'

/** Measures an agent's home. What cannot be found out is left out. */
export function openHomeMetrics(home: string): () => Promise<Family[]> {
  const table = openProcessTable()
  return () => homeMetrics(home, table)
}

async function homeMetrics(home: string, table: ProcessTable): Promise<Family[]> {
  const [workspaces, freeBytes, keepers] = await Promise.all([
    listWorkspaces(workFolder(home)),
    freeSpaceOf(home).catch(() => undefined),
    countKeepers(join(workFolder(home), '.keepers'), table).catch(() => undefined),
  ])
  return [
    gauge(
      {
        name: 'tentacle_workspaces',
        help: 'Workspaces of scripts on the disk, those of scripts that are over included.',
      },
      workspaces.size,
    ),
    gauge(
      {
        name: 'tentacle_home_free_bytes',
        help: "Bytes that the agent's account may still write on the volume of its home.",
      },
      freeBytes,
    ),
    gauge(
      {
        name: 'tentacle_keepers',
        help: 'Processes that keep scripts running: more than one after a restart of the agent, none after a while without scripts.',
      },
      keepers,
    ),
  ]
}

/** Each keeper has a folder that is called like its process id. */
async function countKeepers(folder: string, table: ProcessTable): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    names.filter(name => name !== compileCacheName).map(name => table.find(Number(name))),
  )
  return found.filter(one => one?.name === keeperTitle && !one.isDefunct).length
}
