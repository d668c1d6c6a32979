import type { Writable } from 'node:stream'
import { formatServiceMessage, type ServiceMessage } from './service-message.ts'

type Level = 'default' | 'verbose' | 'warning'

/**
 * The log of one command, as lines that a server understands: a service message before a line that changes the level,
 * errors on stderr (docs/wire/deployment.md, section 4). What is logged can never be taken for a service message.
 */
export class DeploymentLog {
  private readonly stdout: Writable
  private readonly stderr: Writable
  /** The levels of both streams: ours, and what scripts leave behind. */
  private level = 'default'
  private errorLevel = 'default'
  private readonly logged = new WeakSet<Error>()

  constructor(stdout: Writable, stderr: Writable) {
    this.stdout = stdout
    this.stderr = stderr
  }

  verbose(text: string): void {
    this.lines('verbose', text)
  }

  info(text: string): void {
    this.lines('default', text)
  }

  warn(text: string): void {
    this.lines('warning', text)
  }

  /** One line that people read first: shown as an error, whatever a script did to the level of stderr. */
  error(text: string): void {
    this.resetErrorLevel()
    this.stderr.write(`${harmless(text)}\n`)
  }

  /** Logs an error once, however often it is passed on its way up. */
  failure(error: Error, text = error.message): void {
    if (this.logged.has(error)) return
    this.logged.add(error)
    this.error(text)
  }

  message(name: string, attributes: Readonly<Record<string, string | undefined>> = {}): void {
    this.stdout.write(`${formatServiceMessage(name, attributes)}\n`)
  }

  /** Puts both streams back to their default levels, as every script finds them when it starts. */
  reset(): void {
    this.switchTo('default')
    this.resetErrorLevel()
  }

  /** Takes note of a level that a script sets with a message of its own. */
  observe({ name }: ServiceMessage): void {
    if (name.startsWith('stdout-')) this.level = name.slice('stdout-'.length)
    if (name.startsWith('stderr-')) this.errorLevel = name.slice('stderr-'.length)
  }

  private lines(level: Level, text: string): void {
    this.switchTo(level)
    this.stdout.write(`${harmless(text)}\n`)
  }

  private switchTo(level: Level): void {
    if (this.level === level) return
    this.level = level
    this.message(`stdout-${level}`)
  }

  /** The level of stderr is set on stdout as well, where messages are looked for. */
  private resetErrorLevel(): void {
    if (this.errorLevel === 'default') return
    this.errorLevel = 'default'
    this.message('stderr-default')
  }
}

/** Names of files and values of variables end up in log lines; they must not give orders to the server. */
function harmless(text: string): string {
  return text.replaceAll('##octopus[', '##octopus [')
}
