import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** `npm run build:agent` puts all code into one folder, below the one with the program that users start. */
const isBuilt = import.meta.url.endsWith('.cjs')

/** The folder with the program that users, services and scripts start. */
export const programFolder = isBuilt ? dirname(here) : join(here, '..', 'bin')

/** What is started as the keeper of scripts (docs/wire/tentacle-scripts.md, "The keeper"). */
export const keeperProgram = isBuilt ? join(here, 'keeper.cjs') : join(here, 'keeper', 'main.ts')
