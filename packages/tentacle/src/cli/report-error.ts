import { TentacleError, toError } from '../errors.ts'

/**
 * What standard error says before the program ends with exit code 100 (docs/wire/tentacle-cli.md 3): the error and its
 * causes between rules, then the folders whose logs have the details.
 */
export function failureReport(thrown: unknown, logFolders: readonly string[]): string {
  const rule = '-'.repeat(79)
  return [
    '='.repeat(79),
    ...explain(toError(thrown)),
    rule,
    'Terminating process with exit code 100',
    'The log files in these folders have the details:',
    ...logFolders,
    'Please attach them when you ask for help.',
    rule,
    '',
  ].join('\n')
}

/**
 * Errors that we throw on purpose explain themselves and their causes; of others the stack is shown too. The log has all
 * stacks.
 */
function explain(error: Error, isExplained = error instanceof TentacleError): string[] {
  const kind = error instanceof TentacleError ? error.code : error.name
  const stack = isExplained ? [] : stackLines(error)
  const cause =
    error.cause === undefined
      ? []
      : ['', '--Inner Exception--', ...explain(toError(error.cause), isExplained)]
  return [error.message, kind, ...stack, ...cause]
}

function stackLines(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter(line => line.startsWith('    at '))
}
