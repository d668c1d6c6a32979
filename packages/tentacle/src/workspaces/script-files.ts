import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, normalize, sep } from 'node:path'
import type { ScriptFile } from '@tentacle/contracts'
import { TentacleError } from '../errors.ts'
import type { ScriptShell } from '../shells/script-shell.ts'
import { encryptScriptFile } from './encrypted-file.ts'
import { isReservedName } from './script-workspace.ts'

/** The largest file that is encrypted, since that is done in memory. 256 MiB. */
const maxEncryptedBytes = 256 * 1024 * 1024

/**
 * Puts the caller's files into a workspace. All names are checked before the first byte is written.
 *
 * @throws TentacleError `ERR_INVALID_NAME` for a name that leads out of the workspace or to a file of the agent
 */
export async function writeScriptFiles(
  workspace: string,
  shell: ScriptShell,
  files: readonly ScriptFile[],
): Promise<void> {
  const targets = files.map(file => ({ file, path: join(workspace, relativeName(file.name, shell)) }))
  for (const { file, path } of targets) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    if (file.encryptionPassword === null || file.encryptionPassword === '') {
      await file.contents.saveTo(path)
    } else if (file.contents.length > maxEncryptedBytes) {
      throw new TentacleError(
        'ERR_INVALID_NAME',
        `The file ${file.name} has ${file.contents.length} bytes; files with a password may have up to ${maxEncryptedBytes}.`,
      )
    } else {
      await writeFile(path, await encryptScriptFile(await file.contents.bytes(), file.encryptionPassword), {
        mode: 0o600,
      })
    }
  }
}

/** Checks a name of a caller. Both slashes separate folders, whatever the system. */
export function relativeName(
  name: string,
  shell: ScriptShell,
  platform: NodeJS.Platform = process.platform,
): string {
  const path = normalize(name.replaceAll('\\', '/'))
  const first = path.split(sep)[0]
  const isOutside = name.startsWith('/') || name.startsWith('\\') || /^[A-Za-z]:/.test(name) || first === '..'
  const isStrange = path === '.' || path.endsWith(sep) || path.includes('\0')
  if (isOutside || isStrange || (platform === 'win32' && hasOtherName(path))) {
    throw new TentacleError(
      'ERR_INVALID_NAME',
      `The script file cannot be called ${JSON.stringify(name)}: a name inside the script's folder is needed.`,
      { details: { name } },
    )
  }
  if (isReservedName(path, shell)) {
    throw new TentacleError(
      'ERR_INVALID_NAME',
      `The script file cannot be called ${JSON.stringify(name)}: the agent keeps a file of that name itself.`,
      { details: { name } },
    )
  }
  return path
}

/** Windows leaves blanks and dots at the end of a name out, and takes what comes after a colon for a part of the file. */
function hasOtherName(path: string): boolean {
  return path.includes(':') || path.split(/[\\/]/).some(part => /[. ]$/.test(part))
}
