import { availableParallelism, homedir, hostname, userInfo } from 'node:os'
import { join, parse } from 'node:path'
import type { Writable } from 'node:stream'
import type { TextStream } from '../logging/console-sink.ts'
import { standardStream, withoutClosedReaders } from '../logging/standard-stream.ts'
import { programFolder } from '../program-files.ts'
import type { MachineKeyPaths } from '../settings/machine-key.ts'
import type { Windows } from '../windows/windows.ts'

/** Fixed places of the system. */
export interface MachinePaths extends MachineKeyPaths {
  /** Where the instance index is. */
  readonly indexRoot: string
  /** Where logs go while no instance is known. */
  readonly fallbackLogs: string
  /** Where packages are deployed to when nobody has chosen a folder. */
  readonly applications: string
}

/** The installed program. */
export interface Program {
  /** What scripts call to reach this program again. */
  readonly executable: string
  readonly folder: string
}

/** How this system runs services. */
export interface ServicePlace {
  /** Whether this process may do everything: root, or an administrator's elevated prompt. */
  readonly isElevated: boolean
  /** Where systemd keeps the units of this machine. */
  readonly units: string
  /** Where packages of the system put units. */
  readonly packagedUnits: readonly string[]
}

/** How long things are waited for, in ms. */
export interface Patience {
  /** For the first answer of a server that refuses connections or is starting, and between two tries. */
  readonly serverStartMs: number
  readonly serverStartPauseMs: number
  /** Before the second try of a port for agents; each further pause is half as long again. */
  readonly handshakePauseMs: number
  /** Before a package that another program holds is tried again. */
  readonly packagePauseMs: number
}

const patience: Patience = {
  serverStartMs: 60_000,
  serverStartPauseMs: 1000,
  handshakePauseMs: 750,
  packagePauseMs: 5000,
}

/**
 * All that the program takes from its surroundings. Nothing below reads the process object, so tests run commands in
 * the test's process on a machine of their own.
 */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: NodeJS.ReadableStream & { unref?(): unknown }
  readonly stdout: TextStream
  readonly stderr: TextStream
  /** The same two for whoever writes so much that it waits for the reader. */
  openStreams(): { readonly stdout: Writable; readonly stderr: Writable }
  /** The host's name without its domain. */
  readonly name: string
  readonly processors: number
  readonly user: string
  readonly processId: number
  readonly paths: MachinePaths
  readonly program: Program
  readonly services: ServicePlace
  /** What there is on Windows alone; undefined elsewhere. */
  readonly windows: Windows | undefined
  readonly patience: Patience
  now(): Date
  /** Calls `stop` for each signal that asks the process to end, until the returned function is called. */
  onStopSignal(stop: (signal: string) => void): () => void
}

const isWindows = process.platform === 'win32'

/** On Windows also Ctrl+Break and the closing of the window. */
const stopSignals: readonly NodeJS.Signals[] = isWindows
  ? ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP']
  : ['SIGINT', 'SIGTERM']

/**
 * The machine that a process runs on.
 *
 * @param windows - to be given on Windows
 */
export function openMachine(process: NodeJS.Process, windows?: Windows): Machine {
  const { env } = process
  return {
    env,
    cwd: currentFolder(),
    // Node opens it when it is asked for, and few commands read.
    get stdin() {
      return process.stdin
    },
    stdout: standardStream(1, () => process.stdout),
    stderr: standardStream(2, () => process.stderr),
    openStreams: () => ({
      stdout: withoutClosedReaders(process.stdout),
      stderr: withoutClosedReaders(process.stderr),
    }),
    name: hostname().split('.')[0] ?? hostname(),
    processors: availableParallelism(),
    user: userName(),
    processId: process.pid,
    paths: systemPaths(env),
    program: installedProgram(),
    services: servicePlace(windows),
    windows,
    patience,
    now: () => new Date(),
    onStopSignal(stop) {
      let wasAsked = false
      const hear = (signal: NodeJS.Signals) => {
        if (wasAsked) return dieOf(signal)
        wasAsked = true
        stop(signal)
      }
      for (const signal of stopSignals) process.on(signal, hear)
      return () => {
        for (const signal of stopSignals) process.off(signal, hear)
      }
    },
  }
}

/** The fixed paths of the original, with the variables that move them (docs/wire/tentacle-settings.md 1, 6 and 7). */
export function systemPaths(env: Machine['env']): MachinePaths {
  const systemRoot = isWindows ? join(env.ProgramData ?? 'C:\\ProgramData', 'Octopus') : '/etc/octopus'
  const indexRoot = env.TentacleMachineConfigurationHomeDirectory || systemRoot
  const keyFiles = new Set([join(systemRoot, 'machinekey'), join(indexRoot, 'machinekey')])
  return {
    indexRoot,
    machineIdFile: '/etc/machine-id',
    generatedKeyFiles: [...keyFiles],
    fallbackLogs: env.DefaultLogDirectory || join(localData(env), 'Octopus', 'Logs'),
    applications: isWindows
      ? join(parse(env.ProgramFiles || 'C:\\').root, 'Octopus', 'Applications')
      : '/home/Octopus/Applications',
  }
}

function localData(env: Machine['env']): string {
  if (isWindows) return env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local')
  return env.XDG_DATA_HOME || join(homedir(), '.local', 'share')
}

function installedProgram(): Program {
  return { folder: programFolder, executable: join(programFolder, isWindows ? 'Tentacle.exe' : 'Tentacle') }
}

function servicePlace(windows: Windows | undefined): ServicePlace {
  return {
    get isElevated() {
      return windows?.isElevated() ?? process.getuid?.() === 0
    },
    units: '/etc/systemd/system',
    packagedUnits: ['/usr/lib/systemd/system', '/lib/systemd/system', '/usr/local/lib/systemd/system'],
  }
}

/** A folder that was deleted meanwhile is no reason to do nothing: relative paths then start at the root. */
function currentFolder(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}` // an account without an entry, as in many containers
  }
}

/** Who asks a second time does not want to wait for an end in order. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
