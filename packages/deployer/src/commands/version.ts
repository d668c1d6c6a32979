import { readFileSync } from 'node:fs'
import type { Command } from './command.ts'

/** The version of this deployer, from its package. */
export function deployerVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

export const version: Command = {
  name: 'version',
  summary: 'Prints the version',
  options: [],
  async run({ io }) {
    io.stdout.write(`${deployerVersion()}\n`)
    return 0
  },
}
