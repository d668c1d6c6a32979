import { createWriteStream, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'

/**
 * Zips a folder as `<packageId>.<version>.zip`, files at the top of the archive, executable bits kept.
 * Answers the path of the archive.
 */
export async function makePackage(
  folder: string,
  packageId: string,
  version: string,
  into: string,
): Promise<string> {
  const zip = new ZipFile()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const inside = path.slice(folder.length + 1).replaceAll('\\', '/')
    zip.addFile(path, inside, { mode: statSync(path).mode })
  }
  zip.end()
  const target = join(into, `${packageId}.${version}.zip`)
  await pipeline(zip.outputStream, createWriteStream(`${target}.new`))
  renameSync(`${target}.new`, target)
  return target
}
