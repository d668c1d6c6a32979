import { isAbsolute, relative, resolve } from 'node:path'
import { DeployerError, systemCode } from '../errors.ts'
import { copyTree } from '../files/copy-tree.ts'
import { makeFolders } from '../files/make-folders.ts'
import { purgeFolder } from '../files/purge-folder.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, setOutput } from './deployment.ts'

/**
 * Copies the package to the folder that the step names, after emptying it if the step wants that; the conventions go
 * on there (docs/wire/deployment.md, section 10). Without such a folder only the variables are set. Throws ERR_FOLDER.
 */
export async function copyToCustomFolder(work: Deployment): Promise<void> {
  const { variables, log, io } = work
  const wanted = variables.complete(variableNames.customFolder)
  if (wanted === undefined) {
    variables.set(variableNames.customFolder, work.folder)
    return
  }
  const target = checked(wanted, work.folder)
  try {
    await makeFolders(target)
    if (variables.flag(variableNames.customFolderPurge)) {
      log.info(`Removing what is in ${target}.`)
      await purgeFolder(target, variables.lines(variableNames.customFolderPurgeExclusions), io.signal)
    }
    const count = await copyTree(work.folder, target, io.signal)
    log.verbose(`Copied ${count} files to ${target}.`)
    setOutput(work, 'Package.CopiedFileCount', String(count))
  } catch (error) {
    throw explained(error, target)
  }
  variables.set(variableNames.customFolder, target)
  setOutput(work, variableNames.installationFolderOutput, target)
  setOutput(work, variableNames.installationFolder, target)
  work.folder = target
}

function checked(wanted: string, folder: string): string {
  if (!isAbsolute(wanted)) {
    throw new DeployerError(
      'ERR_FOLDER',
      `The custom installation folder '${wanted}' is not a full path. Give one that starts at the root.`,
    )
  }
  const target = resolve(wanted)
  const way = relative(folder, target)
  if (way === '' || !(way.startsWith('..') || isAbsolute(way))) {
    throw new DeployerError(
      'ERR_FOLDER',
      `The custom installation folder ${target} lies within the folder that the package was unpacked to. Choose another.`,
    )
  }
  return target
}

function explained(error: unknown, target: string): unknown {
  const code = systemCode(error)
  if (code === undefined) return error
  const inUse = ['EBUSY', 'EPERM', 'EACCES', 'ETXTBSY'].includes(code)
  return new DeployerError(
    'ERR_FOLDER',
    `The package could not be copied to ${target} (${code}).${inUse ? ' Is the application still running, and may this user write there?' : ''}`,
    { cause: error },
  )
}
