import type { StartScriptCommandV2 } from '@tentacle/contracts'

/** What a script of this system is: the body for Bash if there is one, else the main body; on Windows always that. */
export function bodyOf(
  { scriptBody, scripts }: Pick<StartScriptCommandV2, 'scriptBody' | 'scripts'>,
  platform: NodeJS.Platform = process.platform,
): string {
  return platform === 'win32' ? scriptBody : (scripts.get('Bash') ?? scriptBody)
}
