import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { TentacleError } from '../errors.ts'

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

/**
 * @param remedy - a sentence that says what follows from it when the program is missing
 * @throws TentacleError `ERR_SERVICE` when there is no such program.
 */
export async function demandProgram(name: string, path: string, remedy: string): Promise<void> {
  if ((await findProgram(name, path)) !== undefined) return
  throw new TentacleError('ERR_SERVICE', `The program ${name} is not on the PATH. ${remedy}`, {
    details: { program: name },
  })
}
