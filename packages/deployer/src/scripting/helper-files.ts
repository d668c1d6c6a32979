import { readFileSync } from 'node:fs'

/** What scripts find ready when they start, by language. The files stand beside this one. */
export const helperFiles = {
  bash: () => read('bash-helpers.sh'),
  python: () => read('python-bootstrap.py'),
  powerShell: () => read('powershell-bootstrap.ps1'),
} as const

function read(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')
}
