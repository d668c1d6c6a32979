import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The full path of a program, or undefined when no folder of `path` has it. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter(part => part !== '')) {
    const file = join(folder, name)
    try {
      await access(file, constants.X_OK)
      if ((await stat(file)).isFile()) return file
    } catch {
      // not in this folder
    }
  }
  return undefined
}
