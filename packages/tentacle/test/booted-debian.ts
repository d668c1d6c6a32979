import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { until } from '@tentacle/testkit'

/** How a command in the machine ended. */
export interface CommandEnd {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** A Debian that was booted, with systemd as its first process and the network of this machine. */
export interface BootedDebian {
  /** The folder in which the machine sees this project; nobody can write there. */
  readonly project: string
  run(command: string, ...args: string[]): Promise<CommandEnd>
  shutDown(): Promise<void>
}

const project = join(import.meta.dirname, '../../..')
const projectInside = '/opt/tentacle'
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

/** Boots the machine. What is changed in it is forgotten when it is shut down. */
export async function bootDebian(): Promise<BootedDebian> {
  const template = await makeTemplate()
  const machine = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'systemd-nspawn'], // also when the tests are killed
      ...['-D', template, '--volatile=overlay', '--quiet'],
      ...['--register=no', '--keep-unit', `--machine=tentacle-test-${process.pid}`],
      ...[`--bind-ro=${project}:${projectInside}`, '--console=pipe', '--boot'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
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
    return { project: projectInside, run, shutDown: () => shutDown(machine) }
  } catch (error) {
    await shutDown(machine)
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
  const environment = [
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    'LANG=C.UTF-8',
    'NODE_COMPILE_CACHE=/tmp/compiled', // the project's own is not writable there
  ]
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
