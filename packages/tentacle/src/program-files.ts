import { dirname, join } from 'node:path'
import { isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** `npm run build:agent` puts all code into one folder, below the one with the program that users start. */
const isBuilt = import.meta.url.endsWith('.cjs')

/** The folder with the program that users, services and scripts start. */
export const programFolder = isBuilt ? dirname(here) : join(here, '..', 'bin')

/** What runs in processes of its own, started by the agent alone. */
const parts = {
  /** The keeper of scripts (docs/wire/tentacle-scripts.md, "The keeper"). */
  keeper: 'keeper/main.ts',
  /** Asks the system for the addresses of a host. */
  'name-lookup': 'check/network/name-lookup.ts',
} as const

/**
 * How a part of the agent is started: a program and its first arguments.
 *
 * @param nodeFlags - flags for Node. A single executable takes none on its command line, so there they are left out
 */
export function partCommand(
  part: keyof typeof parts,
  nodeFlags: readonly string[] = [],
): readonly [program: string, ...args: string[]] {
  // bin/start-single.cjs understands this.
  if (isSea()) return [process.execPath, '--part', part]
  return [process.execPath, ...nodeFlags, isBuilt ? join(here, `${part}.cjs`) : join(here, parts[part])]
}
