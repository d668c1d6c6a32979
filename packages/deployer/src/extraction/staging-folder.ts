import { type FolderKind, removeAbandonedFolders, withOwnedFolder } from '../locking/owned-folder.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'

const staging = (parent: string): FolderKind => ({ parent, prefix: '.extracting-', mode: 0o755 })

/** Gives the work a folder below `parent` to unpack into, which is removed unless the work moves it to its place. */
export function withStagingFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  return withOwnedFolder(staging(parent), work)
}

/** Removes what processes that were killed while they unpacked a package left below `parent`. */
export async function removeAbandonedStaging(parent: string, log: DeploymentLog): Promise<void> {
  await removeAbandonedFolders(staging(parent), folder => {
    log.verbose(`Removing ${folder}, which an interrupted deployment left behind.`)
  })
}
