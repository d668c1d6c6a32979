import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { until } from '@tentacle/testkit'
import { outerPid } from './memory-limit.ts'

/** How a command in the machine ended. */
export interface CommandEnd {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** A Debian that was booted, with systemd as its first process and the network of this machine. */
export interface BootedDebian {
  /** The folder in which the machine sees what was made for it; nobody can write there. */
  readonly installed: string
  /** The same folder, as this machine sees it. */
  readonly given: string
  run(command: string, ...args: string[]): Promise<CommandEnd>
  /** What this machine calls the process that has this number in the booted one. */
  outerPid(inner: string): number
  shutDown(): Promise<void>
}

const project = join(import.meta.dirname, '../../..')
const installed = '/opt/tentacle'
const needed = ['systemd-nspawn', 'debootstrap', 'nsenter', 'unshare', 'setpriv']

/** Why a Debian cannot be booted here; undefined when it can. */
export function whyNotBooted(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root, to boot a Debian with systemd-nspawn'
  const missing = needed.filter(name => !isOnPath(name))
  if (missing.length > 0) return `needs ${missing.join(', ')} (packages systemd-container, debootstrap)`
  if (!existsSync(join(project, 'node_modules/.bin/node'))) return "needs the project's own Node"
  return undefined
}

function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** What the machine is given: the built agent, or the packages that it is installed from. */
const builders = {
  agent: ['scripts/build-agent.mjs', '--with-node'],
  packages: ['scripts/package-agent.mjs', '--fast'],
} as const

/** Boots the machine. What is changed in it is forgotten when it is shut down. */
export async function bootDebian(given: keyof typeof builders = 'agent'): Promise<BootedDebian> {
  const template = await makeTemplate()
  const build = await mkdtemp(join(tmpdir(), 'tentacle-built-'))
  const [builder, option] = builders[given]
  const built = await execute(process.execPath, [join(project, builder), '--out', build, option])
  if (built.exitCode !== 0) throw new Error(`The ${given} could not be built:\n${built.stderr}`)
  await chmod(build, 0o755)
  const machine = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'systemd-nspawn'], // also when the tests are killed
      ...['-D', template, '--volatile=overlay', '--quiet'],
      ...['--register=no', '--keep-unit', `--machine=tentacle-test-${process.pid}`],
      ...[`--bind-ro=${build}:${installed}`, '--console=pipe', '--boot'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const end = async () => {
    await shutDown(machine)
    await rm(build, { recursive: true, force: true })
  }
  let console = ''
  for (const stream of [machine.stdout, machine.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      console += chunk
    })
  try {
    const init = await until(
      'systemd is up',
      async () => {
        // The first child is a helper that soon makes room for the machine's first process.
        const candidate = firstChild(machine)
        const state = candidate && (await runInside(candidate, 'systemctl', ['is-system-running'])).stdout
        return /running|degraded/.test(state || '') && candidate
      },
      { timeoutMs: 120_000, everyMs: 200 },
    )
    const run = (command: string, ...args: string[]) => runInside(init, command, args)
    const namespace = readlinkSync(`/proc/${init}/ns/pid`)
    const isInside = (pid: number) => readlinkSync(`/proc/${pid}/ns/pid`) === namespace
    return { installed, given: build, run, outerPid: inner => outerPid(inner, isInside), shutDown: end }
  } catch (error) {
    await end()
    throw new Error(`The machine did not boot. Its console:\n${console}`, { cause: error })
  }
}

/** The folder of a Debian to boot. */
async function makeTemplate(): Promise<string> {
  const { exitCode, stdout, stderr } = await execute('sh', [join(import.meta.dirname, 'make-debian.sh')])
  if (exitCode === 0) return stdout.trim()
  throw new Error(`No Debian could be made:\n${stderr.slice(-2000)}`)
}

function firstChild({ pid, exitCode }: ChildProcess): number | undefined {
  if (exitCode !== null) throw new Error(`systemd-nspawn ended with ${exitCode}`)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
  return children === '' ? undefined : Number(children.split(' ')[0])
}

function runInside(init: number, command: string, args: readonly string[]): Promise<CommandEnd> {
  const environment = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8']
  return execute('nsenter', [
    '-t',
    String(init),
    '-a',
    'env',
    '-i',
    '-C',
    '/',
    ...environment,
    command,
    ...args,
  ])
}

function execute(program: string, args: readonly string[]): Promise<CommandEnd> {
  return new Promise(resolve => {
    execFile(program, [...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      resolve({ exitCode: typeof code === 'number' ? code : 255, stdout, stderr })
    })
  })
}

async function shutDown(machine: ChildProcess): Promise<void> {
  if (machine.exitCode !== null || machine.signalCode !== null) return
  const ended = once(machine, 'exit')
  machine.kill('SIGTERM') // asks the first process to power off
  const impatient = setTimeout(() => machine.kill('SIGKILL'), 30_000)
  await ended
  clearTimeout(impatient)
}
