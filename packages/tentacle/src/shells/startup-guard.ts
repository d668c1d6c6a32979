import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { guardText } from './powershell-command.ts'

/** What callers write into a script that is to be guarded. Read by programs: to the letter. */
const marker = '# TENTACLE-POWERSHELL-STARTUP-DETECTION-AND-GUARD-MUST-BE-AT-THE-START-OF-THE-SCRIPT'

/** In the workspace, as callers and administrators know them from the original. */
export const guardFileNames = {
  started: '.octopus_powershell_started',
  permit: '.octopus_powershell_should_run',
} as const

/** A body whose caller has asked for the guard, with the guard in it; undefined for any other. */
export function guardedBody(body: string): string | undefined {
  if (!body.includes(marker)) return undefined
  return body.replaceAll(marker, () => guardText(guardFileNames.started, guardFileNames.permit))
}

/** Allows a guarded script to run. */
export function writePermit(workspace: string): void {
  writeFileSync(join(workspace, guardFileNames.permit), '', { mode: 0o600 })
}
