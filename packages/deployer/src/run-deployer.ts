import { TemplateError } from '@tentacle/octostache'
import type { Command } from './commands/command.ts'
import { deployPackage } from './commands/deploy-package.ts'
import { findPackage } from './commands/find-package.ts'
import { helpCommand, overview } from './commands/help.ts'
import { parseOptions } from './commands/option-set.ts'
import { runScript } from './commands/run-script.ts'
import { deployerVersion, version } from './commands/version.ts'
import { DeployerError, toError } from './errors.ts'
import type { DeployerIo } from './io.ts'
import { DeploymentLog } from './log/deployment-log.ts'

/** What commands end with; a script's own exit code is passed on (docs/wire/deployment.md, section 1). */
export const exitCodes = {
  success: 0,
  /** Something that can be expected to happen and whose message says what to do. */
  failure: 1,
  /** A fault in the deployer or its surroundings; the stack is on stderr. */
  fault: 100,
  /** A variable that is defined by itself. */
  recursiveDefinition: 101,
  /** Cancelled; what a shell answers for a program that was asked to end. */
  cancelled: 143,
} as const

const workingCommands: readonly Command[] = [deployPackage, runScript, findPackage, version]
const commands: readonly Command[] = [...workingCommands, helpCommand(workingCommands)]

/**
 * Runs one command of the deployer and answers its exit code; never throws. `argv` starts with the name of the command:
 * `deploy-package`, `run-script`, `find-package`, `version` or `help`.
 *
 * Everything goes to `io`: log lines and service messages to stdout, errors to stderr, line by line as they happen.
 * Aborting `io.signal` ends running scripts with their children, removes what is half done, and answers 143.
 */
export async function runDeployer(argv: readonly string[], io: DeployerIo): Promise<number> {
  const log = new DeploymentLog(io.stdout, io.stderr)
  // A reader that went away is no reason to leave a deployment half done.
  const ignore = () => {}
  for (const stream of [io.stdout, io.stderr]) stream.on('error', ignore)
  try {
    return await runCommand(argv, { ...io, env: { ...io.env, OctopusCalamariWorkingDirectory: io.cwd } }, log)
  } catch (error) {
    return report(toError(error), log)
  } finally {
    log.reset()
    for (const stream of [io.stdout, io.stderr]) stream.off('error', ignore)
  }
}

async function runCommand(argv: readonly string[], io: DeployerIo, log: DeploymentLog): Promise<number> {
  const [name = 'help', ...args] = argv
  const command = commands.find(candidate => candidate.name === name.toLowerCase())
  if (command === undefined) {
    log.error(`There is no command '${name}'.`)
    io.stderr.write(overview(commands))
    return exitCodes.failure
  }
  if (command !== version && command.name !== 'help')
    log.verbose(`Deployer ${deployerVersion}: ${command.name}`)
  return await command.run({ io, log, options: parseOptions(args, command.options) })
}

function report(error: Error, log: DeploymentLog): number {
  if (error instanceof DeployerError) {
    log.failure(error)
    return error.code === 'ERR_CANCELLED' ? exitCodes.cancelled : exitCodes.failure
  }
  if (error instanceof TemplateError) {
    log.failure(error)
    return error.code === 'ERR_RECURSIVE_DEFINITION' ? exitCodes.recursiveDefinition : exitCodes.failure
  }
  log.failure(error, `The deployer failed: ${error.stack ?? error.message}`)
  return exitCodes.fault
}
