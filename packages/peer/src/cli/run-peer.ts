import { HalibutError } from '@tentacle/halibut'
import { bench } from '../commands/bench.ts'
import { benchMany } from '../commands/bench-many.ts'
import { callListening, callPolling } from '../commands/call.ts'
import { genCert, thumb } from '../commands/certificates.ts'
import { serveListening } from '../commands/serve-listening.ts'
import { servePolling } from '../commands/serve-polling.ts'
import { suite } from '../commands/suite.ts'
import type { Command, PeerIo } from './command.ts'
import { commandHelp, generalHelp } from './help.ts'
import { parseOptions } from './option-values.ts'
import { PeerError, usageError } from './peer-error.ts'

const commands: readonly Command[] = [
  genCert,
  thumb,
  serveListening,
  servePolling,
  callListening,
  callPolling,
  suite,
  bench,
  benchMany,
]

/** Exit codes: 0 done, 1 failed, 2 the command line makes no sense. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** Runs a command line and answers the exit code. Errors become one line on standard error. */
export async function runPeer(argv: readonly string[], io: PeerIo): Promise<number> {
  try {
    const [name, ...rest] = argv
    if (name === undefined || name === '') throw usageError('No command was given.')
    if (name === '--help' || name === '-h' || name === 'help') {
      io.out(generalHelp(commands))
      return exitCodes.ok
    }
    const command = commands.find(candidate => candidate.name === name)
    if (!command) throw usageError(`There is no command '${name}'.`)
    const options = parseOptions(command, rest)
    if (options.has('help')) {
      io.out(commandHelp(command))
      return exitCodes.ok
    }
    return await command.run(options, io)
  } catch (error) {
    return report(error, argv, io)
  }
}

function report(error: unknown, argv: readonly string[], io: PeerIo): number {
  if (error instanceof PeerError && error.code === 'ERR_USAGE') {
    const known = commands.some(({ name }) => name === argv[0])
    io.note(`${error.message} See: npm run --silent peer -- ${known ? `${argv[0]} ` : ''}--help`)
    return exitCodes.usage
  }
  if (error instanceof HalibutError) io.note(`${error.code}: ${error.message}`)
  else if (error instanceof PeerError) io.note(error.message)
  else io.note(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return exitCodes.failed
}
