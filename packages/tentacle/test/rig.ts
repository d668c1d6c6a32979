import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Machine } from '../src/cli/machine.ts'
import { runCli } from '../src/cli/run-cli.ts'
import type { Windows } from '../src/windows/windows.ts'

/** The machine id that the fixtures were made with. */
export const recordedMachineId = '0123456789abcdef0123456789abcdef'

/** A test that waits for this long, in ms, waits in vain; machines that run many tests at once are slow. */
const patienceMs = 60_000

/** How one command ended. */
export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** What stands on standard input; nothing, at its end, unless given. */
  readonly stdin?: Readable
  /** Whether the command may do everything; it may, unless told otherwise. */
  readonly isElevated?: boolean
  /** What there is of Windows; nothing, unless given. */
  readonly windows?: Windows
}

/**
 * A machine of its own in a temporary folder, on which the test's process runs commands. Removed after the test. There
 * are hundreds of them with many small files, so they are made, read and removed without a turn of the thread pool each.
 */
export interface Rig {
  readonly root: string
  /** `path` below the root. */
  at(...path: string[]): string
  run(argv: readonly string[], options?: RunOptions): Promise<Outcome>
  /** Starts a command that goes on until `stop`; gives access to what it prints meanwhile. */
  start(argv: readonly string[], options?: RunOptions): RunningCommand
  write(path: string, content: string | Uint8Array): Promise<void>
  read(path: string): Promise<string>
  /** All files below the root with their content, without logs. */
  snapshot(): Promise<Map<string, Buffer>>
}

/** A command that has not ended yet. */
export interface RunningCommand {
  /** Resolves when standard output has this text. */
  printed(text: string): Promise<void>
  stdout(): string
  stderr(): string
  /** Sends what SIGTERM or SIGINT would send. */
  signal(name: string): void
  readonly ended: Promise<Outcome>
}

export async function createRig(t: Pick<TestContext, 'after'>): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'tentacle-cli-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const at = (...path: string[]) => join(root, ...path)
  writeFileSync(at('machine-id'), `${recordedMachineId}\n`)

  const start = (argv: readonly string[], options: RunOptions = {}): RunningCommand => {
    const [stdout, stderr] = [new Collector(), new Collector()]
    const stops = new Set<(signal: string) => void>()
    const machine: Machine = {
      env: options.env ?? {},
      cwd: options.cwd ?? root,
      stdin: options.stdin ?? Readable.from([]),
      stdout,
      stderr,
      openStreams: () => ({ stdout, stderr }),
      name: 'agent-01',
      processors: 2,
      user: 'root',
      processId: process.pid,
      paths: {
        indexRoot: at('machine'),
        machineIdFile: at('machine-id'),
        generatedKeyFiles: [at('etc', 'machinekey')],
        fallbackLogs: at('user/.local/share/Octopus/Logs'),
        applications: '/home/Octopus/Applications',
      },
      program: { executable: '/opt/octopus/tentacle/Tentacle', folder: at('program') },
      services: {
        isElevated: options.isElevated ?? true,
        units: at('etc/systemd/system'),
        packagedUnits: [at('usr/lib/systemd/system')],
      },
      windows: options.windows,
      patience: { serverStartMs: 50, serverStartPauseMs: 10, handshakePauseMs: 1, packagePauseMs: 1 },
      now: () => new Date(),
      onStopSignal(stop) {
        stops.add(stop)
        return () => stops.delete(stop)
      },
    }
    const ended = runCli(argv, machine).then(exitCode => ({
      exitCode,
      stdout: stdout.text,
      stderr: stderr.text,
    }))
    return {
      ended,
      printed: text => stdout.has(text, ended),
      stdout: () => stdout.text,
      stderr: () => stderr.text,
      signal(name) {
        for (const stop of stops) stop(name)
      },
    }
  }

  return {
    root,
    at,
    start,
    run: (argv, options) => start(argv, options).ended,
    async write(path, content) {
      mkdirSync(dirname(at(path)), { recursive: true })
      writeFileSync(at(path), content)
    },
    read: async path => readFileSync(at(path), 'utf8'),
    snapshot: async () => snapshotOf(root),
  }
}

/** Standard input that stays open until the test ends it or writes a line. */
export function openInput(): PassThrough {
  return new PassThrough()
}

class Collector extends Writable {
  text = ''
  #waiting = new Set<() => void>()

  constructor() {
    super({ decodeStrings: false, defaultEncoding: 'utf8' })
  }

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    for (const check of this.#waiting) check()
    done()
  }

  async has(text: string, ended: Promise<Outcome>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const check = () => {
      if (this.text.includes(text)) resolve()
    }
    const missing = (why: string) => reject(new Error(`${why} '${text}'; standard output is:\n${this.text}`))
    const timer = setTimeout(missing, patienceMs, `for ${patienceMs} ms nothing printed`)
    this.#waiting.add(check)
    check()
    void ended.then(({ exitCode, stderr }) => {
      check()
      missing(`ended with ${exitCode} (${stderr}) without printing`)
    })
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(check)
    }
  }
}

function snapshotOf(root: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !path.includes('/Logs/')) files.set(path, readFileSync(path))
  }
  return files
}
