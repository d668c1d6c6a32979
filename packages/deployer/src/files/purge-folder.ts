import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode, throwIfCancelled } from '../errors.ts'
import { matchesGlob, parseGlob } from './glob.ts'
import { patiently } from './patiently.ts'

/** Removes everything in a folder but what the patterns name, relative to it. Links are removed, not followed. */
export async function purgeFolder(
  folder: string,
  exclusions: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const kept = exclusions.flatMap(parseGlob)
  const isKept = (path: readonly string[]) =>
    kept.some(parts => matchesGlob(parts, path, process.platform !== 'linux'))
  await purgeBelow(folder, [], isKept, signal)
}

async function purgeBelow(
  root: string,
  path: readonly string[],
  isKept: (path: readonly string[]) => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const entry of await readdir(join(root, ...path), { withFileTypes: true })) {
    throwIfCancelled(signal)
    const inner = [...path, entry.name]
    if (isKept(inner)) continue
    if (!entry.isDirectory()) {
      await patiently(() => rm(join(root, ...inner), { force: true }), signal)
      continue
    }
    await purgeBelow(root, inner, isKept, signal)
    // A folder that still holds something kept stays.
    await patiently(() => rmdir(join(root, ...inner)), signal).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error
    })
  }
}
