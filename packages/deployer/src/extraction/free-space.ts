import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DeployerError, systemCode } from '../errors.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { variableNames } from '../variables/variable-names.ts'

const megabyte = 1024 * 1024
const defaultNeededMegabytes = 500

/** Throws ERR_FREE_SPACE when the disk of a folder, which may not exist yet, has less room than a deployment needs. */
export async function requireFreeSpace(
  folder: string,
  variables: ExecutionVariables,
  log: DeploymentLog,
): Promise<void> {
  if (variables.flag(variableNames.skipFreeSpaceCheck)) {
    log.verbose('The free space of the disk is not checked.')
    return
  }
  const needed = variables.number(variableNames.freeSpaceMegabytes) ?? defaultNeededMegabytes
  const free = await freeBytes(folder)
  if (free >= needed * megabyte) return
  throw new DeployerError(
    'ERR_FREE_SPACE',
    `The disk of ${folder} has ${Math.floor(free / megabyte)} MB free, and ${needed} MB are needed. ` +
      `Make room, or set the variable ${variableNames.freeSpaceMegabytes}.`,
  )
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error
    return await freeBytes(dirname(folder))
  }
}
