import { plainCommand } from '../command.ts'
import { formatOptions } from '../common-options.ts'

/** Only its options: help is shown where command lines are taken apart, because `--help` does the same. */
export const help = plainCommand({
  options: formatOptions,
  run: () => Promise.resolve(),
})
