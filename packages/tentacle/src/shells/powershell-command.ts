import { scriptExitCodes } from '@tentacle/contracts'

/** What PowerShell is to run. */
export interface PowerShellCall {
  /** The file of the script. */
  readonly body: string
  /** Made by PowerShell before anything else, once; see `watchStart`. */
  readonly startedFile: string
  /** Goes into the command as it is: the caller has quoted it for PowerShell. */
  readonly argumentText: string
}

const neverStarted = scriptExitCodes.powerShellNeverStarted

/** No profile, no questions, and scripts may be run whatever the machine's policy says. */
const switches = ['-NonInteractive', '-NoProfile', '-NoLogo', '-ExecutionPolicy', 'Unrestricted', '-Command']

/**
 * The arguments of PowerShell for a script. On Windows the command stands between double quotes on a command line, and
 * the caller's arguments are in it as they came: callers quote for that, since the original does the same.
 */
export function powerShellArguments(call: PowerShellCall, platform: NodeJS.Platform): readonly string[] {
  const command = powerShellCommand(call)
  return [...switches, platform === 'win32' ? `"${command}"` : command]
}

/**
 * Double quotes may not be in it, nor a backslash at its end. What it does, in order:
 *
 * 1. say that it has come up; when somebody else has made the file, the agent has given the script up, and it ends;
 * 2. print as UTF-8 instead of the code page of the console, and pass UTF-8 on to programs; a process without a console
 *    cannot, and goes on;
 * 3. run the script in this scope, where the first error ends it;
 * 4. end with the exit code of the last program, if the script has run any.
 */
function powerShellCommand({ body, startedFile, argumentText }: PowerShellCall): string {
  const started = quotePowerShell(startedFile)
  const run = [`. ${quotePowerShell(body)}`, argumentText].filter(text => text !== '').join(' ')
  return [
    `try { ${makeOnce(started)} } catch { if (Test-Path -LiteralPath ${started}) { exit ${neverStarted} } }`,
    'try { $OutputEncoding = New-Object Text.UTF8Encoding $false; [Console]::OutputEncoding = $OutputEncoding } catch { }',
    `$ErrorActionPreference = 'Stop'`,
    run,
    'if (Test-Path variable:global:LastExitCode) { exit $global:LastExitCode }',
  ].join('; ')
}

/**
 * Makes a file that must not be there yet. With a command, not a method of .NET: those are not allowed where a policy has
 * constrained the language.
 */
function makeOnce(quotedPath: string): string {
  return `$null = New-Item -ItemType File -Path ${quotedPath} -ErrorAction Stop`
}

/**
 * What stands in a script where its caller has asked for the guard (docs/wire/tentacle-scripts.md, "PowerShell that does
 * not start"): the script goes on only if it is the first to make the one file, and the other is still there. One line,
 * so that the numbers of the others stay as they are.
 */
export function guardText(startedName: string, permitName: string): string {
  const leave = `{ exit ${neverStarted} }`
  return `try { ${makeOnce(quotePowerShell(startedName))} } catch ${leave}; if (-not (Test-Path -LiteralPath ${quotePowerShell(permitName)})) ${leave}`
}

/** A text as one word of PowerShell. */
export function quotePowerShell(text: string): string {
  // Typographic quotes end a text as the plain one does.
  return `'${text.replaceAll(/['‘’‚‛]/g, '$&$&')}'`
}
