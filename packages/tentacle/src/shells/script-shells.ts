import { access, constants } from 'node:fs/promises'
import { dirname, isAbsolute, win32 } from 'node:path'
import { TentacleError } from '../errors.ts'
import { findProgram } from '../processes/find-program.ts'
import { timeSpanOf } from '../workspaces/time-span.ts'
import { bashPath, chooseShell, type ScriptShell } from './script-shell.ts'

/** How long PowerShell may take to come up, in milliseconds. */
export interface StartLimits {
  /** Where the caller has asked for the guard. Default 13 minutes, as in the original. */
  readonly guardedMs: number
  /** Where it has not. Default 30 minutes: nobody has asked for it, so it must be beyond doubt. */
  readonly unguardedMs: number
}

const minuteMs = 60_000
const guardedMs = 13 * minuteMs
const unguardedMs = 30 * minuteMs

export interface ShellOptions {
  /** The environment of scripts. */
  readonly environment: Readonly<Record<string, string>>
  /** The PowerShell of Windows: a path, or a name on the PATH. Default: the one that is part of Windows. */
  readonly powerShell?: string | undefined
  readonly platform?: NodeJS.Platform | undefined
}

/** The shells of this machine. */
export interface ScriptShells {
  readonly platform: NodeJS.Platform
  readonly startLimits: StartLimits
  choose(body: string): ScriptShell
  /**
   * The full path of the program that is to be started.
   *
   * @throws TentacleError `ERR_SHELL` with the name of what is missing
   */
  locate(shell: ScriptShell): Promise<string>
}

export function openShells({
  environment,
  powerShell,
  platform = process.platform,
}: ShellOptions): ScriptShells {
  const facts = { platform, powerShell: powerShell || windowsPowerShell(environment) }
  const path = variable(environment, 'PATH')
  return {
    platform,
    startLimits: startLimits(variable(environment, 'TentaclePowerShellStartupTimeout')),
    choose: body => chooseShell(body, facts),
    async locate(shell) {
      switch (shell.t) {
        case 'bash':
          return bashPath
        case 'powershell':
          return demand(shell.program, path, platform)
        case 'interpreter':
          // `env` may be there without what it is to start.
          await demand(shell.place, path, platform)
          if (isAbsolute(shell.program)) return demand(shell.program, path, platform)
          throw missing(shell.program, `it is not a full path. Write #!/usr/bin/env ${shell.program}`)
      }
    },
  }
}

function startLimits(text: string): StartLimits {
  const chosen = timeSpanOf(text)
  return { guardedMs: chosen ?? guardedMs, unguardedMs: chosen ?? unguardedMs }
}

/** Part of every Windows, at a fixed path as in the original: what the PATH says may be anybody's. */
function windowsPowerShell(environment: Readonly<Record<string, string>>): string {
  const root = variable(environment, 'SystemRoot') || 'C:\\Windows'
  return win32.join(root, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe')
}

/** Windows does not tell `Path` from `PATH`. */
function variable(environment: Readonly<Record<string, string>>, name: string): string {
  const same = Object.keys(environment).find(key => key.toLowerCase() === name.toLowerCase())
  return environment[name] ?? (same && environment[same]) ?? ''
}

async function demand(program: string, path: string, platform: NodeJS.Platform): Promise<string> {
  if (/[\\/]/.test(program)) {
    await access(program, constants.X_OK).catch(error => {
      throw missing(program, 'there is no such program, or it may not be run by this account', error)
    })
    return program
  }
  const name = platform === 'win32' && !/\.exe$/i.test(program) ? `${program}.exe` : program
  const found = await findProgram(name, path)
  if (found !== undefined) return found
  throw missing(program, `no folder of the PATH has it. The PATH is ${path}`)
}

function missing(program: string, why: string, cause?: unknown): TentacleError {
  return new TentacleError('ERR_SHELL', `The script is to be run by ${program}, but ${why}.`, {
    details: { program },
    cause,
  })
}

/** A shell for people. */
export function describeShell(shell: ScriptShell): { readonly name: string; readonly folder: string } {
  const [program, name] =
    shell.t === 'bash'
      ? [bashPath, bashPath]
      : shell.t === 'powershell'
        ? [shell.program, shell.program]
        : [shell.place, [shell.program, shell.argument].filter(Boolean).join(' ')]
  return { name, folder: /[\\/]/.test(program) ? dirname(program) : 'the first one on the PATH that has it' }
}
