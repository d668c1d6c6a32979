import product from '../../package.json' with { type: 'json' }
import type { Command } from './command.ts'

/** The version of this deployer, from its package. */
export const deployerVersion: string = product.version

export const version: Command = {
  name: 'version',
  summary: 'Prints the version',
  options: [],
  async run({ io }) {
    io.stdout.write(`${deployerVersion}\n`)
    return 0
  },
}
