import { lstat, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DeployerError, systemCode } from '../errors.ts'
import { makeFolders } from '../files/make-folders.ts'
import { withMachineLock } from '../locking/machine-lock.ts'
import { escapeName, type PackageName } from '../packages/package-name.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { variableNames } from '../variables/variable-names.ts'

/**
 * Where a package belongs: `<root>/[<tenant>/]<environment>/<id>/<version>` (docs/wire/deployment.md, section 6). The
 * folder that is taken in the end may have `_1`, `_2`, … after it.
 *
 * Throws ERR_FOLDER when no root is known.
 */
export function applicationFolder(variables: ExecutionVariables, { id, version }: PackageName): string {
  const names = [variables.text(variableNames.tenantName), variables.text(variableNames.environmentName)]
  const parts = names
    .flatMap(name => (name === undefined ? [] : [folderName(name)]))
    .filter(part => part !== '')
  return join(
    applicationRoot(variables),
    ...parts,
    folderName(escapeName(id)),
    folderName(escapeName(version)),
  )
}

function applicationRoot(variables: ExecutionVariables): string {
  const configured =
    variables.text(variableNames.applicationFolder) ?? variables.text('env:TentacleApplications')
  if (configured !== undefined) return configured
  const base = variables.text('env:SystemDrive') ?? variables.text('env:HOME')
  if (base !== undefined) return join(base, 'Applications')
  throw new DeployerError(
    'ERR_FOLDER',
    `It is not known where applications are installed: set the variable ${variableNames.applicationFolder}.`,
  )
}

/** Without the characters that the system does not allow in names. A name that means another folder is spelled out. */
function folderName(name: string): string {
  const illegal = process.platform === 'win32' ? /[\p{Cc}<>:"/\\|?*]/gu : /[\0/]/g
  const allowed = name.replace(illegal, '').trim()
  return allowed === '.' || allowed === '..' ? allowed.replaceAll('.', '%2E') : allowed
}

/**
 * Moves a finished folder to its place, or to the first free one of `place_1`, `place_2`, …, and answers where it is
 * now. Two processes never get the same place.
 */
export async function claimFolder(
  finished: string,
  place: string,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<string> {
  return await withMachineLock(
    `applications ${place}`,
    async () => {
      for (let count = 0; ; count += 1) {
        const candidate = count === 0 ? place : `${place}_${count}`
        if (await isTaken(candidate)) continue
        await rename(finished, candidate)
        return candidate
      }
    },
    options,
  )
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Makes a folder with all the folders above it. Throws ERR_FOLDER with the reason. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path)
  } catch (error) {
    throw new DeployerError(
      'ERR_FOLDER',
      `The folder ${path} cannot be made (${systemCode(error) ?? 'unknown reason'}).`,
      { cause: error },
    )
  }
}
