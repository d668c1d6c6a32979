import { readFile } from 'node:fs/promises'
import type { RunProgram } from '../service-manager/run-program.ts'

/**
 * The unit of systemd that this process is the main process of, if stopping it ends the scripts too: a unit that the
 * original has installed, or one that somebody wrote. Undefined when all is well, or nothing can be said.
 */
export async function unitThatEndsScripts(run: RunProgram): Promise<string | undefined> {
  try {
    const unit = /([^/\n]+\.service)$/m.exec(await readFile('/proc/self/cgroup', 'utf8'))?.[1]
    if (unit === undefined) return undefined
    const { stdout } = await run('systemctl', ['show', unit, '--property=LoadState', '--property=KillMode'])
    return /^LoadState=loaded$/m.test(stdout) && /^KillMode=(control-group|mixed)$/m.test(stdout)
      ? unit
      : undefined
  } catch {
    return undefined
  }
}
