import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { encryptVariables, runDeployer, type ServiceMessage, ServiceMessageReader } from '../src/index.ts'

export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** stdout without service messages. */
  readonly lines: readonly string[]
  readonly messages: readonly ServiceMessage[]
}

export interface RunOptions {
  readonly variables?: Readonly<Record<string, string | null>>
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Called with all of stdout so far, whenever there is more. */
  readonly onOutput?: (stdout: string) => void
}

/** A machine of its own: a home, a place for applications, a folder to work in, an environment that an agent would set. */
export class Machine {
  readonly root: string
  readonly work: string
  readonly applications: string
  readonly journal: string
  readonly env: Readonly<Record<string, string>>

  constructor(t: TestContext) {
    this.root = mkdtempSync(join(tmpdir(), 'machine-'))
    t.after(() => rmSync(this.root, { recursive: true, force: true }))
    this.work = mkdtempSync(join(this.root, 'work-'))
    this.applications = join(this.root, 'Applications')
    this.journal = join(this.root, 'DeploymentJournal.xml')
    this.env = {
      PATH: process.env.PATH ?? '',
      HOME: this.root,
      TentacleHome: this.root,
      TentacleApplications: this.applications,
      TentacleJournal: this.journal,
      TentacleInstanceName: 'Tentacle',
    }
  }

  file(name: string, content: string | Uint8Array): string {
    const path = join(this.root, name)
    writeFileSync(path, content)
    return path
  }

  /** Runs a command in this process. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
    const out = new Collector(options.onOutput)
    const error = new Collector()
    const exitCode = await runDeployer([...argv, ...this.variableArguments(options)], {
      stdout: out,
      stderr: error,
      env: { ...this.env, ...options.env },
      cwd: this.work,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    return describe(exitCode, out.text, error.text)
  }

  /** Starts a command as a process of its own, to be killed or signalled. */
  start(argv: readonly string[], options: RunOptions = {}) {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
    const child = spawn(process.execPath, [main, ...argv, ...this.variableArguments(options)], {
      cwd: this.work,
      env: { ...this.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const error: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk)
      options.onOutput?.(Buffer.concat(out).toString())
    })
    child.stderr.on('data', (chunk: Buffer) => error.push(chunk))
    const ended = new Promise<Run>(resolve => {
      child.on('close', (code, signal) =>
        resolve(
          describe(
            code ?? (signal === 'SIGKILL' ? 137 : 128),
            Buffer.concat(out).toString(),
            Buffer.concat(error).toString(),
          ),
        ),
      )
    })
    return { child, ended, stdout: () => Buffer.concat(out).toString() }
  }

  private variableArguments({ variables = {} }: RunOptions): string[] {
    const list = Object.entries(variables).map(([name, value]) => ({
      name,
      value,
      isSensitive: /secret/i.test(name),
    }))
    const path = join(mkdtempSync(join(this.root, 'variables-')), 'variables.json')
    writeFileSync(path, encryptVariables(list, 'variables password'))
    return ['--variables', path, '--variablesPassword=variables password']
  }
}

class Collector extends Writable {
  text = ''
  private readonly onText: ((text: string) => void) | undefined
  private readonly decoder = new TextDecoder()

  constructor(onText?: (text: string) => void) {
    super()
    this.onText = onText
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += this.decoder.decode(chunk, { stream: true })
    this.onText?.(this.text)
    done()
  }
}

function describe(exitCode: number, stdout: string, stderr: string): Run {
  const reader = new ServiceMessageReader()
  const messages = stdout.split('\n').flatMap(line => reader.read(line) ?? [])
  const lines = stdout.split('\n').filter(line => line !== '' && !line.includes('##octopus['))
  return { exitCode, stdout, stderr, lines, messages }
}

/** The lines of stdout together with the level that they are shown at. */
export function levels(stdout: string): [level: string, line: string][] {
  let level = 'default'
  return stdout.split('\n').flatMap((line): [string, string][] => {
    const change = /^##octopus\[stdout-(\w+)\]$/.exec(line)?.[1]
    if (change !== undefined) level = change
    return change !== undefined || line === '' || line.startsWith('##octopus[') ? [] : [[level, line]]
  })
}

/** The last value that a run set for an output variable. */
export function output(run: Run, name: string): string | undefined {
  return run.messages
    .findLast(message => message.name === 'setVariable' && message.attributes.get('name') === name)
    ?.attributes.get('value')
}
