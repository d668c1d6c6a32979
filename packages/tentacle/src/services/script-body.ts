import type { StartScriptCommandV2 } from '@tentacle/contracts'

/** What a script of this system is: the body for Bash if there is one, else the main body. */
export function bodyOf({
  scriptBody,
  scripts,
}: Pick<StartScriptCommandV2, 'scriptBody' | 'scripts'>): string {
  return scripts.get('Bash') ?? scriptBody
}
