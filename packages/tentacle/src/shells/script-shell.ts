import { join } from 'node:path'
import { splitArguments } from '../processes/command-line.ts'
import { powerShellArguments } from './powershell-command.ts'
import { readShebang } from './shebang.ts'

/**
 * What runs a script. It is chosen once, when the script is started, and kept with it: an agent that takes up a waiting
 * script later runs it with the same.
 */
export type ScriptShell =
  | { readonly t: 'bash' }
  /** What the first line of the script asks for, called as the system would call it. */
  | {
      readonly t: 'interpreter'
      readonly program: string
      readonly argument: string | undefined
      /** What runs the script in the end: a path, or a name on the PATH. */
      readonly place: string
    }
  /** Windows PowerShell, or another of its kind. The program is a path, or a name on the PATH. */
  | { readonly t: 'powershell'; readonly program: string }

/** A fixed path, as in the original. */
export const bashPath = '/bin/bash'

/**
 * Shells whose first line changes nothing, because the original runs everything with bash: what was written for it and
 * begins with `#!/bin/sh` or `#!/bin/ksh` may well need bash by now.
 */
const runByBash = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh'])

export interface ShellFacts {
  readonly platform: NodeJS.Platform
  /** The PowerShell of Windows; see `configure --powerShellPath`. */
  readonly powerShell: string
}

/** Chooses what runs a script. */
export function chooseShell(body: string, { platform, powerShell }: ShellFacts): ScriptShell {
  if (platform === 'win32') return { t: 'powershell', program: powerShell }
  const shebang = readShebang(body)
  if (shebang === undefined || runByBash.has(shebang.interpreter)) return { t: 'bash' }
  const { interpreter, place, program, argument } = shebang
  if (interpreter === 'pwsh') return { t: 'powershell', program: place }
  return { t: 'interpreter', program, argument, place }
}

/** The names that the script itself may have in its workspace. */
export const bodyFileNames = ['Bootstrap.sh', 'Bootstrap.ps1'] as const

export function bodyFileName({ t }: ScriptShell): (typeof bodyFileNames)[number] {
  return t === 'powershell' ? 'Bootstrap.ps1' : 'Bootstrap.sh'
}

/**
 * A body as it is stored. PowerShell gets it with a byte order mark, without which Windows PowerShell takes it for the
 * code page of the machine; others without one and with lines that end with LF.
 */
export function bodyText({ t }: ScriptShell, body: string): string {
  const text = body.replace(/^\uFEFF/, '')
  return t === 'powershell' ? `\uFEFF${text}` : text.replaceAll('\r\n', '\n')
}

/** What a script is called with. */
export interface ShellCall {
  readonly workspace: string
  /** Where PowerShell says that it has come up. */
  readonly startedFile: string
  /** As the caller sent them. */
  readonly argumentTexts: readonly string[]
}

/**
 * The arguments of a shell that runs the script in a workspace.
 *
 * @param platform on Windows they are parts of a command line, to be joined by blanks; elsewhere each is one argument
 */
export function shellArguments(
  shell: ScriptShell,
  { workspace, startedFile, argumentTexts }: ShellCall,
  platform: NodeJS.Platform,
): readonly string[] {
  const body = join(workspace, bodyFileName(shell))
  if (shell.t === 'powershell') {
    return powerShellArguments({ body, startedFile, argumentText: argumentTexts.join(' ') }, platform)
  }
  const first = shell.t === 'interpreter' && shell.argument !== undefined ? [shell.argument] : []
  return [...first, body, ...splitArguments(argumentTexts)]
}

/** Reads a shell that was stored; undefined for anything else. */
export function parseShell(value: unknown): ScriptShell | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const { t, program, argument, place } = fields
  if (t === 'bash') return { t }
  if (typeof program !== 'string') return undefined
  if (t === 'powershell') return { t, program }
  const isArgument = argument === undefined || typeof argument === 'string'
  return t === 'interpreter' && isArgument && typeof place === 'string'
    ? { t, program, argument, place }
    : undefined
}
