import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { until } from '@tentacle/testkit'
import { type Wine, whyNoWine } from './wine.ts'

const compiler = 'x86_64-w64-mingw32-gcc'

/** Where Windows has its PowerShell, and Wine an empty one. */
const place = 'C:\\windows\\system32\\WindowsPowerShell\\v1.0\\powershell.exe'

/** Another one, in a folder that may be on the PATH. */
export const otherPowerShell = 'C:\\tools\\pwsh.exe'

/** Why there can be no scripts in a Windows here; undefined when there can. */
export function whyNoPowerShell(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  if (folders.some(folder => existsSync(join(folder, compiler)))) return whyNoWine()
  return whyNoWine() ?? `needs ${compiler} (package gcc-mingw-w64-x86-64-win32)`
}

/** What stands in for PowerShell; see `powershell.c`. */
export interface StandIn {
  /** Makes it wait before it comes up. */
  hold(): Promise<void>
  /** Resolves when one waits. */
  held(): Promise<void>
  /** Lets all go, and does not hold any more. */
  letGo(): Promise<void>
}

/** Builds the stand-in and puts it where Windows has its PowerShell. */
export async function installPowerShell(wine: Wine): Promise<StandIn> {
  const program = wine.onLinux(place)
  await mkdir(dirname(program), { recursive: true })
  execFileSync(compiler, [
    '-O1',
    '-Wall',
    '-Werror',
    '-o',
    program,
    join(import.meta.dirname, 'powershell.c'),
  ])
  const other = wine.onLinux(otherPowerShell)
  await mkdir(dirname(other), { recursive: true })
  await copyFile(program, other)
  const beside = (name: string) => join(dirname(program), name)
  return {
    async hold() {
      rmSync(beside('go'), { force: true })
      rmSync(beside('held'), { force: true })
      await writeFile(beside('hold'), '')
    },
    held: async () => {
      await until('PowerShell is held', () => existsSync(beside('held')))
    },
    async letGo() {
      rmSync(beside('hold'), { force: true })
      await writeFile(beside('go'), '')
    },
  }
}
