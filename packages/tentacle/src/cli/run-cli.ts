import { TentacleError, toError } from '../errors.ts'
import { formatOptions, hostOptions, instanceOptions } from '../options/common-options.ts'
import { type ParsedOptions, parseOptions } from '../options/parse-options.ts'
import type { Host, PreparedCommand } from './command.ts'
import { commandName, commands, findCommand } from './commands.ts'
import { isDeployerCommand, runDeployerCommand } from './deployer-commands.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { commandHelp, commandHelpJson, generalHelp, generalHelpJson } from './help.ts'
import type { Machine } from './machine.ts'
import { failureReport } from './report-error.ts'
import { Session } from './session.ts'

/**
 * Runs one command line and gives the exit code. This is the whole program; `main.ts` only hands the code to the system.
 *
 * @param argv - the arguments after the program's name.
 */
export async function runCli(argv: readonly string[], machine: Machine): Promise<number> {
  if (isDeployerCommand(argv[0])) return await runDeployerCommand(argv, machine)
  const session = new Session(machine)
  try {
    return await dispatch(argv, session)
  } catch (thrown) {
    return reportFailure(toError(thrown), session)
  } finally {
    session.close()
  }
}

async function dispatch(argv: readonly string[], session: Session): Promise<number> {
  const host = parseOptions(hostOptions, argv)
  const [typed = '', ...args] = host.leftOver
  const firstIsCommand = argv[0] === typed && typed !== ''
  const entry = findCommand(typed)

  if (!firstIsCommand || isInstanceOption(typed)) {
    // Options before the command would be lost without a word: say how it is done and change nothing.
    await showHelp(firstIsCommand ? '' : typed, host.leftOver, session)
    return exitCodes.noCommand
  }
  if (entry === undefined) {
    complainAbout(typed, session)
    return exitCodes.noCommand
  }
  if (host.has('help')) {
    await showHelp(typed, args, session)
    return exitCodes.success
  }
  await run(entry.name, typed, args, host, session)
  return exitCodes.success
}

function isInstanceOption(typed: string): boolean {
  const name = commandName(typed).split(/[=:]/)[0]
  return typed !== name && name !== undefined && Object.hasOwn({ ...instanceOptions, ...formatOptions }, name)
}

async function run(
  name: string,
  typed: string,
  args: readonly string[],
  host: ParsedOptions<typeof hostOptions>,
  session: Session,
): Promise<void> {
  if (name === 'help') return await helpCommand(args, session)
  const command = await findCommand(name)?.load()
  if (command === undefined) return
  if (command.kind === 'plain') {
    const prepared = command.prepare(args)
    demandAllKnown(prepared)
    await prepared.run(session.plainContext())
  } else {
    await session.chooseInstance(args)
    const prepared = command.prepare(args)
    demandAllKnown(prepared)
    session.announce(name, [typed, ...prepared.masked], prepared.secrets)
    await prepared.run(session.instanceContext(hostOf(host)))
  }
}

function hostOf(options: ParsedOptions<typeof hostOptions>): Host {
  const mutex = options.nonEmpty('monitorMutex')
  if (mutex !== undefined) return { kind: 'parent', mutex }
  if (options.has('noninteractive')) return { kind: 'signals' }
  return { kind: options.has('console') ? 'console' : 'unsaid' }
}

function demandAllKnown<Context>({ leftOver }: PreparedCommand<Context>): void {
  if (leftOver.length === 0) return
  throw new TentacleError('ERR_USAGE', `Unrecognized command line arguments: ${leftOver.join(' ')}`)
}

async function helpCommand(args: readonly string[], session: Session): Promise<void> {
  const asked = parseOptions(formatOptions, args).leftOver[0] ?? ''
  if (asked !== '' && findCommand(asked) === undefined) complainAbout(asked, session)
  else await showHelp(asked, args, session)
}

/** @param typed - a command, or nothing for the list of all. */
async function showHelp(typed: string, args: readonly string[], session: Session): Promise<void> {
  const asJson = peekFormat(args)?.toLowerCase() === 'json'
  const entry = findCommand(typed)
  if (entry === undefined) session.payload(asJson ? generalHelpJson(commands) : generalHelp(commands))
  else {
    const command = await entry.load()
    session.payload(asJson ? commandHelpJson(entry, command) : commandHelp(entry, command))
  }
}

function peekFormat(args: readonly string[]): string | undefined {
  try {
    return parseOptions(formatOptions, args).text('format')
  } catch {
    return undefined
  }
}

function complainAbout(typed: string, session: Session): void {
  session.log.error(`Command '${commandName(typed)}' is not supported`)
  session.log.info("See 'Tentacle help'")
}

function reportFailure(error: Error, session: Session): number {
  if (session.isStopped) {
    session.log.error('Stopped before it was done.')
    return exitCodes.failed
  }
  const code = exitCodeOf(error)
  if (code === exitCodes.refused) session.log.error(error.message)
  else session.fail(error, failureReport(error, session.logFolders))
  return code
}
