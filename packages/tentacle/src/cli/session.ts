import { join } from 'node:path'
import { toError } from '../errors.ts'
import { consoleSink } from '../logging/console-sink.ts'
import { parseLogLevel } from '../logging/levels.ts'
import { createLog, describeError, type Log, type LogSink } from '../logging/log.ts'
import { fileSink, type LogFileOptions, structuredSink } from '../logging/log-file.ts'
import { SecretMask } from '../logging/mask.ts'
import type { ChosenInstance } from './choose-instance.ts'
import type { CommandContext, Host, InstanceContext } from './command.ts'
import type { Machine } from './machine.ts'
import { informationalVersion } from './version.ts'

/**
 * One run of the program: which instance it is about, where its log goes, and what a command may use. The log file is
 * made with the first entry, so that `help`, `version` and probes leave no trace on the disk.
 */
export class Session {
  readonly #machine: Machine
  readonly #mask = new SecretMask()
  readonly #console: LogSink
  readonly #files: readonly LogSink[]
  readonly #fileLog: Log
  readonly #log: Log
  readonly #stopped = new AbortController()
  readonly #unsubscribe: () => void
  #chosen: ChosenInstance = { home: undefined }

  constructor(machine: Machine) {
    this.#machine = machine
    const plainConsole = consoleSink(machine.stdout, machine.stderr)
    this.#console = (level, text, entry) => plainConsole(level, this.#mask.apply(text), entry)
    this.#files = [
      fileSink(this.#logFile()),
      structuredSink(this.#logFile(), () => this.#chosen.hasStructuredLog === true),
    ]
    const minimum = parseLogLevel(machine.env.OCTOPUS__TENTACLE__LOGLEVEL)
    this.#log = createLog([this.#console, ...this.#files], minimum)
    this.#fileLog = createLog(this.#files, minimum)
    this.#unsubscribe = machine.onStopSignal(signal => this.#stopped.abort(new Error(`stopped by ${signal}`)))
  }

  get log(): Log {
    return this.#log
  }

  /** Whether the process was asked to end. */
  get isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  /** Where details of a failure are: the home's logs first, if there is a home. */
  get logFolders(): readonly string[] {
    const { home } = this.#chosen
    return [...(home === undefined ? [] : [join(home, 'Logs')]), this.#machine.paths.fallbackLogs]
  }

  payload(text: string): void {
    this.#machine.stdout.write(text)
  }

  /** Looks which instance the command line is about, so that the log goes to its home. Failing to find one is told later. */
  async chooseInstance(args: readonly string[]): Promise<void> {
    const { chooseInstance } = await import('./choose-instance.ts')
    this.#chosen = await chooseInstance(this.#machine, args)
  }

  /** Writes the head of a command's entry into the log file: its name and its command line without secrets. */
  announce(command: string, maskedArguments: readonly string[], secrets: readonly string[]): void {
    for (const secret of secrets) this.#mask.add(secret)
    this.#fileLog.info(`==== ${command} ====`)
    this.#fileLog.info(`CommandLine: ${maskedArguments.join(' ')}`)
  }

  /** Shows a report on standard error and writes the error with all its stacks into the log file. */
  fail(error: Error, report: string): void {
    this.#console('fatal', report, { message: report })
    const { message } = error
    for (const write of this.#files) write('fatal', describeError(error), { message, error })
    this.#tellWindows(report)
  }

  #tellWindows(report: string): void {
    try {
      this.#machine.windows?.writeErrorEvent(this.#mask.apply(report))
    } catch (error) {
      this.#fileLog.warn(toError(error).message)
    }
  }

  plainContext(): CommandContext {
    return {
      machine: this.#machine,
      log: this.#log,
      signal: this.#stopped.signal,
      payload: text => this.payload(text),
      keepSecret: secret => this.#mask.add(secret),
    }
  }

  /** @throws TentacleError when no instance fits the command line. */
  instanceContext(host: Host): InstanceContext {
    const { found } = this.#chosen
    if (found === undefined) throw this.#chosen.error
    const { name, settings } = found
    return {
      ...this.plainContext(),
      instance: name,
      settings,
      host,
      instanceArgument: name === undefined ? '' : ` --instance ${/\s/.test(name) ? `"${name}"` : name}`,
      restartHint: () => {
        const what = name === undefined ? 'service' : 'Tentacle'
        this.#log.info(`These changes require a restart of the ${what}.`)
      },
    }
  }

  close(): void {
    this.#unsubscribe()
  }

  #logFile(): LogFileOptions {
    const machine = this.#machine
    const folder = () => this.logFolders[0] ?? machine.paths.fallbackLogs
    return {
      folder,
      mask: this.#mask.apply,
      now: machine.now,
      processId: machine.processId,
      start: () => ({
        version: informationalVersion,
        instance: this.#chosen.found?.name ?? this.#chosen.found?.settings.path,
        folders: { from: machine.paths.fallbackLogs, to: folder() },
        user: machine.user,
        machine: machine.name,
        cwd: machine.cwd,
        program: machine.program.executable,
        processId: machine.processId,
        processors: machine.processors,
      }),
    }
  }
}
