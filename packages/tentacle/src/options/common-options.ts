import { flag, type OptionTable, value } from './option-table.ts'

/** What every command takes and help mentions. */
export const commonOptions = {
  help: flag('help', 'Shows this help and does nothing else'),
} as const satisfies OptionTable

/**
 * What is taken off a command line before any command sees it. `console`, `noninteractive` and `monitorMutex` choose how
 * the agent is told to stop; the others are accepted because set-up scripts of old pass them, and have no effect.
 */
export const hostOptions = {
  ...commonOptions,
  console: flag('console', 'Stops on Enter', { hidden: true }),
  noninteractive: flag('noninteractive', 'Stops on a signal only', { hidden: true }),
  monitorMutex: value('monitorMutex', 'Stops when the program that started it ends', { hidden: true }),
  nologo: flag('nologo', 'Has no effect', { hidden: true }),
  noconsolelogging: flag('noconsolelogging', 'Has no effect', { hidden: true }),
} as const satisfies OptionTable

/** What commands that work on an instance take first. */
export const instanceOptions = {
  instance: value('instance', 'Name of the instance to use'),
  config: value('config', 'Settings file to use'),
} as const satisfies OptionTable

/** What commands with a machine-readable answer take last. */
export const formatOptions = {
  format: value('format', "Format of the output: 'text', which is the default, or 'json'"),
} as const satisfies OptionTable
