import type { Writable } from 'node:stream'
import { formatServiceMessage } from './service-message.ts'

type Level = 'default' | 'verbose' | 'warning'

/**
 * The log of one command, as lines that a server understands: a service message before a line that changes the level,
 * errors on stderr (docs/wire/deployment.md, section 4). What is logged can never be taken for a service message.
 */
export class DeploymentLog {
  private readonly stdout: Writable
  private readonly stderr: Writable
  private level: Level | 'unknown' = 'default'
  private isErrorLevelChanged = false

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
    if (this.isErrorLevelChanged) this.stderr.write(`${formatServiceMessage('stderr-default')}\n`)
    this.isErrorLevelChanged = false
    this.stderr.write(`${harmless(text)}\n`)
  }

  message(name: string, attributes: Readonly<Record<string, string | undefined>> = {}): void {
    this.stdout.write(`${formatServiceMessage(name, attributes)}\n`)
  }

  /** Puts both streams back to their default levels, as every script finds them when it starts. */
  reset(): void {
    this.switchTo('default')
    if (this.isErrorLevelChanged) this.stderr.write(`${formatServiceMessage('stderr-default')}\n`)
    this.isErrorLevelChanged = false
  }

  /** Tells that a script wrote to the streams and may have changed their levels. */
  scriptChangedLevels(): void {
    this.level = 'unknown'
    this.isErrorLevelChanged = true
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
}

/** Names of files and values of variables end up in log lines; they must not give orders to the server. */
function harmless(text: string): string {
  return text.replaceAll('##octopus[', '##octopus [')
}
