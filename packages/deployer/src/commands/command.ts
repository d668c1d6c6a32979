import { toError } from '../errors.ts'
import type { DeployerIo } from '../io.ts'
import { DeploymentJournal } from '../journal/deployment-journal.ts'
import { setPreviousInstallation } from '../journal/previous-installation.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { loadVariables } from '../variables/load-variables.ts'
import { variableNames } from '../variables/variable-names.ts'
import type { OptionSpec, ParsedOptions } from './option-set.ts'

/** What a command gets to work with. */
export interface CommandContext {
  readonly io: DeployerIo
  readonly log: DeploymentLog
  readonly options: ParsedOptions
}

export interface Command {
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionSpec[]
  /** Answers the exit code. */
  run(context: CommandContext): Promise<number>
}

/** The options of every command that works with variables. */
export const variableOptions: readonly OptionSpec[] = [
  {
    name: 'variables',
    help: 'A variables file; may be given several times, later ones win',
    isRepeatable: true,
  },
  { name: 'variablesPassword', help: 'The password of the variables files; without it they are plain JSON' },
  { name: 'sensitiveVariables', help: 'A file of sensitive variables in the old form' },
  { name: 'sensitiveVariablesPassword', help: 'The password of that file' },
  { name: 'scriptIsolationLevel', help: 'Accepted and left to the agent, which isolates scripts itself' },
  { name: 'scriptIsolationMutexName', help: 'As above' },
  { name: 'scriptIsolationTimeout', help: 'As above' },
]

/** Reads the variables of a command and what the journal knows about earlier installations. */
export async function readVariablesOf({ io, log, options }: CommandContext): Promise<{
  readonly variables: ExecutionVariables
  readonly journal: DeploymentJournal | undefined
}> {
  const sources = {
    files: options.all('variables'),
    password: options.get('variablesPassword'),
    sensitiveFile: options.get('sensitiveVariables'),
    sensitivePassword: options.get('sensitiveVariablesPassword'),
  }
  const variables = await loadVariables(sources, io)
  const journalPath = io.env.TentacleJournal
  const journal =
    journalPath === undefined || journalPath === '' ? undefined : new DeploymentJournal(journalPath, log)
  if (journal !== undefined) await setPreviousInstallation(variables, journal)
  printVariables(variables, log)
  return { variables, journal }
}

/** Lists the variables when a step asks for it to find a mistake; sensitive values stay hidden. */
function printVariables(variables: ExecutionVariables, log: DeploymentLog): void {
  const raw = variables.flag(variableNames.printVariables)
  const evaluated = variables.flag(variableNames.printEvaluatedVariables)
  if (!raw && !evaluated) return
  log.warn('The variables of this step are printed. Switch that off when the mistake is found.')
  for (const name of variables.names()) {
    if (name.includes('CustomScripts.')) continue
    const shown = (value: string | undefined) => (variables.isSensitive(name) ? '********' : (value ?? ''))
    if (raw) log.verbose(`[${name}] = '${shown(variables.getRaw(name))}'`)
    if (evaluated) log.verbose(`[${name}] = '${shown(evaluatedText(variables, name))}' (evaluated)`)
  }
}

function evaluatedText(variables: ExecutionVariables, name: string): string | undefined {
  try {
    return variables.get(name)
  } catch (error) {
    return `cannot be evaluated: ${toError(error).message}`
  }
}
