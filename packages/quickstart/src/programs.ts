import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { QuickstartError } from './options.ts'

const packages = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** The programs of this project that are started as processes of their own, just as an operator would. */
export const tentacleProgram: string = join(packages, 'tentacle', 'bin', 'Tentacle')
export const serverProgram: string = join(packages, 'server', 'bin', 'octopus-server')
export const portalFiles: string = join(packages, 'portal', 'dist')
export const sampleFolder: string = join(packages, '..', 'examples', 'website')
export const projectFolder: string = join(packages, '..')

/** Runs a command of the agent to its end and answers what it printed. A failure carries the program's own words. */
export async function tentacle(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(tentacleProgram, [...args], { env, timeout: 120_000 })
    return stdout
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new QuickstartError(
      `Tentacle ${args[0]} failed: ${said || (error instanceof Error ? error.message : error)}`,
      {
        cause: error,
      },
    )
  }
}

/** Whether a TCP port can be listened on right now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, () => probe.close(() => resolve(true)))
  })
}

/** The wanted port, or, when another program has it, one that the system picks. */
export async function freePort(wanted: number): Promise<number> {
  if (await isFree(wanted)) return wanted
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : wanted))
    })
  })
}

/** Throws {@link QuickstartError} naming the option that helps, if another program has the port. */
export async function demandFree(port: number, option: string): Promise<void> {
  if (await isFree(port)) return
  throw new QuickstartError(
    `Port ${port} is used by another program. Choose another one: npm start -- --${option}=${port + 1}`,
  )
}
