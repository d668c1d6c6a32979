import { renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import pino, { type Logger } from 'pino'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface LogOptions {
  readonly level: LogLevel
  /** Folder of the log file. */
  readonly folder: string
  /** Where the console's lines go besides. */
  readonly console: Writable
  /** `json`: each record as it is. `text`: warnings and errors, for people. */
  readonly format: 'json' | 'text'
}

/** A log that can be ended, so that its last records are in the file. */
export interface ServerLog {
  readonly logger: Logger
  close(): Promise<void>
}

const maxFileBytes = 20 * 1024 * 1024

/** Names under which secrets might be put into a record by mistake. */
const secretNames = [
  'password',
  'Password',
  'apiKey',
  'ApiKey',
  'token',
  'secret',
  'authorization',
  'cookie',
  'passwordHash',
]
const redact = {
  paths: secretNames
    .flatMap(name => [name, `*.${name}`, `*.*.${name}`])
    .concat('headers["x-octopus-apikey"]', '*.headers["x-octopus-apikey"]'),
  censor: '********',
}

const levelNames: Readonly<Record<number, string>> = { 40: 'warning', 50: 'error', 60: 'error' }

/** Turns records into lines such as `12:00:01 warning: Disk is nearly full (path=/srv)`. */
function toText(console: Writable): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      const { level, time, msg, err } = JSON.parse(String(chunk))
      const clock = new Date(time).toISOString().slice(11, 19)
      const detail = typeof err?.message === 'string' && err.message !== msg ? `: ${err.message}` : ''
      console.write(`${clock} ${levelNames[level] ?? 'info'}: ${msg}${detail}\n`)
      done()
    },
  })
}

/** The file of the last start is kept when it has grown, one generation. */
function rotate(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxFileBytes) renameSync(file, `${file}.old`)
}

/** Opens the log: every record as JSON in `server.log`, and the console's share of it. */
export function openLog({ level, folder, console, format }: LogOptions): ServerLog {
  const file = join(folder, 'server.log')
  rotate(file)
  const destination = pino.destination({ dest: file, append: true, mkdir: true, sync: false, mode: 0o600 })
  const streams = pino.multistream([
    { level, stream: destination },
    format === 'json' ? { level, stream: console } : { level: 'warn', stream: toText(console) },
  ])
  const logger = pino({ level, redact, base: { pid: process.pid } }, streams)
  return {
    logger,
    close: () =>
      new Promise(resolve => {
        destination.once('close', () => resolve())
        destination.once('error', () => resolve())
        destination.end()
      }),
  }
}
