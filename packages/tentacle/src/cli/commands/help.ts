import { formatOptions } from '../../options/common-options.ts'
import { plainCommand } from '../command.ts'

/** Only its options: help is shown where command lines are taken apart, because `--help` does the same. */
export const help = plainCommand({
  options: formatOptions,
  run: () => Promise.resolve(),
})
