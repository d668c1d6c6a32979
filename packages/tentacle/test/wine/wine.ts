import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** How a program ended. Wine tells the lowest eight bits of an exit code only. */
export interface ProgramEnd {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What a program is started with besides its arguments. */
export interface StartOptions {
  /** Variables beside those of Windows. */
  readonly env?: Readonly<Record<string, string>>
  /** A folder of drive C:. Default `C:\`. */
  readonly cwd?: string
}

/** A program that goes on. */
export interface WineProcess {
  /** A process of Linux, too: a signal such as SIGKILL reaches it. */
  readonly process: ChildProcess
  /** What it has written so far. */
  output(): Promise<{ readonly stdout: string; readonly stderr: string }>
  /** Waits until it ends. */
  readonly end: Promise<ProgramEnd>
}

/** A Windows of its own, with the agent installed and the services running. The network is that of this machine. */
export interface Wine {
  /** Where the agent is installed. */
  readonly folder: string
  readonly program: string
  /** Where Linux has a file of drive C:, such as `C:\Octopus\Tentacle.config`. */
  onLinux(path: string): string
  run(program: string, args: readonly string[], options?: StartOptions): Promise<ProgramEnd>
  start(program: string, args: readonly string[], options?: StartOptions): Promise<WineProcess>
  /** Runs a command of the agent. */
  tentacle(...args: readonly string[]): Promise<ProgramEnd>
  /** Ends all its programs and forgets it. */
  shutDown(): Promise<void>
}

const project = join(import.meta.dirname, '../../../..')
const needed = ['wine', 'wineserver', 'npm', 'tar']

/** The newest Node that Debian's Wine can run; the code is the same. */
export const nodeVersion = '22.23.3'

/** A path with blanks, as people have it. */
const installed = 'C:\\Program Files\\Octopus Deploy\\Tentacle'

/** Why there can be no Windows here; undefined when there can. */
export function whyNoWine(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x64'
  const missing = needed.filter(name => !isOnPath(name))
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')} (package wine64)`
}

function isOnPath(name: string): boolean {
  return findOnPath(name) !== undefined
}

function findOnPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/lib/wine']
  return folders
    .map(folder => join(folder, name))
    .find(file => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Makes a Windows and installs the agent in it. Takes some seconds; all tests of a file should share one. */
export async function bootWine(): Promise<Wine> {
  const root = await mkdtemp(join(tmpdir(), 'tentacle-wine-'))
  const prefix = join(root, 'prefix')
  const environment = systemEnvironment(prefix, root)
  await copyTemplate(prefix)
  await mendProgramData(join(prefix, 'drive_c'))
  const onLinux = (path: string) => {
    const [drive, ...parts] = path.split('\\')
    if (drive !== 'C:') throw new Error(`${path} is not on drive C:.`)
    return join(prefix, 'drive_c', ...parts)
  }
  const outputs = join(root, 'output')
  await mkdir(outputs)
  // Without a server that stays, services would end with the program that started them.
  const server = spawn('setpriv', ['--pdeathsig', 'TERM', findOnPath('wineserver') ?? '', '-f', '-p'], {
    stdio: 'ignore',
    env: environment,
  })
  const start = async (program: string, args: readonly string[], options: StartOptions = {}) => {
    const names = ['out', 'err'].map(kind => join(outputs, `${randomBytes(6).toString('hex')}.${kind}`))
    const [stdout = 0, stderr = 0] = names.map(name => openSync(name, 'w'))
    const read = async () => {
      const [out = '', err = ''] = await Promise.all(names.map(name => readFile(name, 'utf8')))
      return { stdout: out, stderr: err }
    }
    try {
      // Wine cannot give a pipe to Node, so the streams are files.
      const child = spawn('wine', [program, ...args], {
        stdio: ['ignore', stdout, stderr],
        env: { ...environment, ...options.env },
        cwd: onLinux(options.cwd ?? 'C:\\'),
      })
      await once(child, 'spawn')
      const end = once(child, 'exit').then(async ([code]) => ({
        exitCode: typeof code === 'number' ? code : 128,
        ...(await read()),
      }))
      return { process: child, output: read, end }
    } finally {
      closeSync(stdout)
      closeSync(stderr)
    }
  }
  const program = `${installed}\\Tentacle.exe`
  const run: Wine['run'] = async (...call) => await (await start(...call)).end
  const shutDown = async () => {
    await execute('wineserver', ['-k'], environment)
    if (server.exitCode === null) server.kill('SIGTERM')
    await execute('wineserver', ['-w'], environment)
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await installAgent(onLinux(installed))
    return {
      folder: installed,
      program,
      onLinux,
      run,
      start,
      tentacle: (...args) => run(program, args),
      shutDown,
    }
  } catch (error) {
    await shutDown()
    throw error
  }
}

async function installAgent(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const builder = join(project, 'scripts/build-agent.mjs')
  const args = [builder, '--platform', 'win32-x64', '--node-version', nodeVersion, '--out', folder]
  const { exitCode, stderr } = await execute(process.execPath, args, process.env)
  if (exitCode !== 0) throw new Error(`The agent for Windows could not be built:\n${stderr}`)
}

/** Wine tells services another `%ProgramData%` than all other programs, so the instances have to be in both. */
async function mendProgramData(drive: string): Promise<void> {
  await mkdir(join(drive, 'ProgramData/Octopus'), { recursive: true })
  await mkdir(join(drive, 'users/Public'), { recursive: true })
  await symlink('../../ProgramData/Octopus', join(drive, 'users/Public/Octopus'))
}

/** Nothing of this machine's environment may be seen in Windows but what Wine itself needs. */
function systemEnvironment(prefix: string, home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // No menus, and no browser or .NET that would be asked for.
    WINEDLLOVERRIDES: 'winemenubuilder.exe=d;mscoree=;mshtml=',
  }
}

/** A fresh Windows takes six seconds to make and one to copy. */
async function copyTemplate(prefix: string): Promise<void> {
  const { stdout } = await execute('wine', ['--version'], process.env)
  const version = /wine-[\w.]+/.exec(stdout)?.[0] ?? 'wine'
  const cache = join(project, 'node_modules/.cache')
  const template = join(cache, `${version}-prefix`)
  if (!existsSync(template)) await makeTemplate(template, cache)
  await cp(template, prefix, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE })
}

async function makeTemplate(template: string, cache: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const beside = await mkdtemp(join(cache, '.prefix-'))
  try {
    const fresh = join(beside, 'prefix')
    const environment = systemEnvironment(fresh, beside)
    // Node wants Windows 10, and this makes the folder as well.
    const made = await execute('wine', ['winecfg', '-v', 'win10'], environment)
    if (made.exitCode !== 0) throw new Error(`Wine could not make a Windows:\n${made.stderr}`)
    await execute('wineserver', ['-w'], environment)
    // Somebody else may have made one meanwhile, which is as good.
    await rename(fresh, template).catch(error => {
      if (!existsSync(template)) throw error
    })
  } finally {
    await rm(beside, { recursive: true, force: true, maxRetries: 5 })
  }
}

function execute(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ProgramEnd> {
  return new Promise(resolve => {
    execFile(findOnPath(file) ?? file, [...args], { env }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 128
      resolve({ exitCode, stdout, stderr: stderr || (error?.message ?? '') })
    })
  })
}
