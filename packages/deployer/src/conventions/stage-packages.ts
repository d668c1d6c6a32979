import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfCancelled } from '../errors.ts'
import { archiveLimits } from '../extraction/archive-limits.ts'
import { extractPackage, type PackageFile } from '../extraction/extract-package.ts'
import { readPackage } from '../extraction/read-package.ts'
import { withStagingFolder } from '../extraction/staging-folder.ts'
import { makeFolders } from '../files/make-folders.ts'
import { moveTree } from '../files/move-tree.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, setOutput } from './deployment.ts'

/** Unpacks the package of a script into the folder in which it runs. */
export async function unpackInto(folder: string, file: PackageFile, work: Deployment): Promise<void> {
  const limits = archiveLimits(work.variables)
  await withStagingFolder(folder, async staging => {
    const { files } = await extractPackage(file, staging, { limits, signal: work.io.signal })
    await moveTree(staging, folder)
    work.log.verbose(`Unpacked ${files} files of ${file.id} ${file.version} to ${folder}.`)
  })
}

/**
 * Puts the packages that a script refers to beside it: unpacked in a folder of the reference's name, or as a file of
 * that name. References without a file, such as container images, are passed over.
 */
export async function stageReferencedPackages(work: Deployment): Promise<void> {
  const { variables, io, folder, log } = work
  for (const reference of variables.indexes('Octopus.Action.Package')) {
    const name = fileName(reference)
    const prefix = `Octopus.Action.Package[${reference}]`
    const original = variables.text(`${prefix}.OriginalPath`)
    if (name === '' || original === undefined) continue
    throwIfCancelled(io.signal)
    const file = await readPackage(original, io.cwd)
    if (variables.flag(`${prefix}.Extract`)) {
      const target = join(folder, name)
      await makeFolders(target)
      await unpackInto(target, file, work)
      setOutput(work, `${prefix}.ExtractedPath`, target)
    } else {
      const target = join(folder, `${name}${file.extension}`)
      await copyFile(file.path, target)
      log.verbose(`Copied ${file.id} ${file.version} to ${target}.`)
      setOutput(work, `${prefix}.PackageFilePath`, target)
      setOutput(work, `${prefix}.PackageFileName`, `${name}${file.extension}`)
    }
  }
}

/** The package that a script came in, from the command line or from the server; `undefined` for a script without one. */
export async function packageOfScript(
  option: string | undefined,
  { variables, io }: Pick<Deployment, 'variables' | 'io'>,
): Promise<PackageFile | undefined> {
  const path = option ?? variables.text(variableNames.packageFilePath)
  return path === undefined ? undefined : await readPackage(path, io.cwd)
}

function fileName(reference: string): string {
  const name = reference.replace(process.platform === 'win32' ? /[\p{Cc}<>:"/\\|?*]/gu : /[\0/]/g, '').trim()
  return name === '.' || name === '..' ? '' : name
}
