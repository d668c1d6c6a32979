import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type Certificate,
  createCertificate,
  createHalibut,
  type Halibut,
  parseThumbprint,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import { projectFolder, tentacleProgram } from '@tentacle/quickstart'

/** The agent in two forms: as it is installed, and from its sources as developers have it. */
export interface Programs {
  readonly built: string
  readonly sources: string
}

/** An instance of the agent, and the server that it trusts. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'tentacle-bench-'))
  readonly home = join(this.folder, 'home')
  readonly programs: Programs = { built: join(this.folder, 'program', 'Tentacle'), sources: tentacleProgram }
  readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    TentacleMachineConfigurationHomeDirectory: join(this.folder, 'index'),
  }
  readonly certificate: Certificate
  readonly halibut: Halibut

  private constructor(certificate: Certificate) {
    this.certificate = certificate
    this.halibut = createHalibut({ certificate, onUnauthorizedConnect: () => 'trust' })
  }

  /** Builds the agent and sets up an instance that listens. */
  static async open(): Promise<Place> {
    const place = new Place(await createCertificate({ commonName: 'Bench server' }))
    const build = join(projectFolder, 'scripts', 'build-agent.mjs')
    place.command(process.execPath, [build, '--out', dirname(place.programs.built)])
    place.tentacle(
      'create-instance',
      `--config=${join(place.folder, 'Tentacle.config')}`,
      `--home=${place.home}`,
    )
    place.tentacle('new-certificate')
    place.tentacle('configure', '--port=0', `--trust=${place.certificate.thumbprint}`)
    return place
  }

  /** Runs a program to its end. @returns how long it took, in ms. */
  command(program: string, args: readonly string[]): number {
    const start = performance.now()
    const { status, stderr } = spawnSync(program, [...args], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
    return performance.now() - start
  }

  /** Runs a command of the built agent for the instance. @returns what it printed. */
  tentacle(name: string, ...args: readonly string[]): string {
    const words = [name, '--instance=Bench', ...args]
    const { status, stdout, stderr } = spawnSync(this.programs.built, words, {
      env: this.env,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
    return stdout
  }

  /** The certificate that the agent shows. */
  thumbprint(): ReturnType<typeof parseThumbprint> {
    return parseThumbprint(this.tentacle('show-thumbprint').trim())
  }

  /** Starts the agent, and waits until it has printed something. */
  async start(program: string, untilPrinted: RegExp): Promise<RunningAgent> {
    const start = performance.now()
    const child = spawn(program, ['run', '--instance=Bench', '--noninteractive'], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const found = await new Promise<RegExpExecArray>((resolve, reject) => {
      child.once('exit', code => reject(new Error(`The agent ended with exit code ${code}.`)))
      createInterface({ input: child.stdout }).on('line', line => {
        const match = untilPrinted.exec(line)
        if (match) resolve(match)
      })
    })
    return new RunningAgent(child, found, performance.now() - start)
  }

  /** Starts the agent as one that listens. */
  listening(program: string): Promise<RunningAgent> {
    return this.start(program, /Agent listening on: .*:(\d+)/)
  }

  endpoint(agent: RunningAgent): ServiceEndPoint {
    return { baseUri: `https://127.0.0.1:${agent.found[1]}/`, thumbprint: this.thumbprint() }
  }

  async close(): Promise<void> {
    await this.halibut.close()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** A process of the agent, and what the system says of it. */
export class RunningAgent {
  readonly #process: ChildProcess
  /** What it printed to say that it was ready. */
  readonly found: RegExpExecArray
  /** How long that took, in ms. */
  readonly startedInMs: number

  constructor(child: ChildProcess, found: RegExpExecArray, startedInMs: number) {
    this.#process = child
    this.found = found
    this.startedInMs = startedInMs
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Memory in MiB: resident, or with shared pages counted in proportion. */
  memoryMib(field: 'Rss' | 'Pss'): number {
    return kib(`/proc/${this.pid}/smaps_rollup`, field) / 1024
  }

  /** Forgets the highest memory so far, so that {@link peakMib} tells of what comes. */
  forgetPeak(): void {
    spawnSync('/bin/sh', ['-c', `echo 5 > /proc/${this.pid}/clear_refs`])
  }

  /** The highest resident memory, in MiB. */
  peakMib(): number {
    return kib(`/proc/${this.pid}/status`, 'VmHWM') / 1024
  }

  /** The highest resident memory of its keeper of scripts, in MiB; 0 if there is none. */
  keeperPeakMib(): number {
    const keeper = readdirSync('/proc').find(name => /^\d+$/.test(name) && parentOf(name) === this.pid)
    return keeper === undefined ? 0 : kib(`/proc/${keeper}/status`, 'VmHWM') / 1024
  }

  /** Processor time so far, in ms. */
  processorMs(): number {
    const fields = statOf(String(this.pid))
    const ticks = Number(fields[11]) + Number(fields[12])
    return ticks * 10 // a tick is 10 ms on every Linux
  }

  async stop(): Promise<void> {
    this.#process.removeAllListeners('exit')
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
  }
}

function kib(file: string, field: string): number {
  return Number(readFileSync(file, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))?.[1] ?? 0)
}

/** The fields of /proc/PID/stat after the name, which may hold blanks. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  } catch {
    return [] // it has ended
  }
}

function parentOf(pid: string): number {
  return Number(statOf(pid)[1])
}
