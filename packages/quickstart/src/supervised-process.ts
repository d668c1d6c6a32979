import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/** A program that is kept running: started again when it dies without being asked to, as a service manager does. */
export interface SupervisedProcess {
  readonly name: string
  /** Process id of the running program; undefined between two starts. */
  readonly pid: number | undefined
  /** Resolves with the first line of standard output that `isReady` accepts; rejects if the program ends before. */
  ready(): Promise<string>
  /** Asks the program to end (SIGTERM) and waits; after `graceMs` it is killed. */
  stop(graceMs?: number): Promise<void>
}

export interface SupervisedOptions {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
  /** File that receives what the program prints. */
  readonly logFile: string
  /** File that holds the process id while the program runs. */
  readonly pidFile: string
  isReady(line: string): boolean
  onRestart(reason: string): void
}

/** The start time of a process in clock ticks after boot: with it a process id cannot be mistaken for a later one. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Ends what an earlier start left running (it was killed before it could stop its programs). */
export async function stopLeftOver(pidFile: string): Promise<boolean> {
  if (!existsSync(pidFile)) return false
  const [pidText, started] = readFileSync(pidFile, 'utf8').trim().split(' ')
  const pid = Number(pidText)
  rmSync(pidFile, { force: true })
  if (!Number.isInteger(pid) || pid < 2 || started === undefined || startTime(pid) !== started) return false
  process.kill(pid, 'SIGTERM')
  for (let waited = 0; startTime(pid) === started; waited += 50) {
    if (waited > 10_000) process.kill(pid, 'SIGKILL')
    await delay(50)
  }
  return true
}

export function supervise(options: SupervisedOptions): SupervisedProcess {
  const log = createWriteStream(options.logFile, { flags: 'a' })
  let child: ChildProcess | undefined
  let stopping = false
  let lastLines: string[] = []
  let markReady: (line: string) => void = () => {}
  let markFailed: (error: Error) => void = () => {}
  let isReady = false
  const firstReady = new Promise<string>((resolve, reject) => {
    markReady = resolve
    markFailed = reject
  })
  firstReady.catch(() => {}) // whoever calls ready() sees it

  const start = (): void => {
    const [program, ...args] = options.command
    const started = Date.now()
    lastLines = []
    // A process group of its own: Ctrl+C reaches only us, and we stop the programs in order.
    const running = spawn(program, args, {
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = running
    running.on('error', error => markFailed(error))
    if (running.pid !== undefined)
      writeFileSync(options.pidFile, `${running.pid} ${startTime(running.pid) ?? ''}`)
    for (const stream of [running.stdout, running.stderr]) {
      createInterface({ input: stream }).on('line', line => {
        log.write(`${line}\n`)
        lastLines = [...lastLines.slice(-11), line]
        if (!isReady && options.isReady(line)) {
          isReady = true
          markReady(line)
        }
      })
    }
    running.on('close', (code, signal) => {
      child = undefined
      rmSync(options.pidFile, { force: true })
      if (stopping) return
      const reason = signal ? `was ended by ${signal}` : `ended with exit code ${code}`
      if (!isReady) {
        markFailed(
          new Error(`${options.name} ${reason}:\n${lastLines.map(line => `    ${line}`).join('\n')}`),
        )
        return
      }
      options.onRestart(`${options.name} ${reason}; starting it again.`)
      // A program that dies at once is not started again at full speed.
      setTimeout(() => stopping || start(), Date.now() - started < 2_000 ? 2_000 : 0)
    })
  }
  start()

  return {
    name: options.name,
    get pid() {
      return child?.pid
    },
    ready: () => firstReady,
    stop: async (graceMs = 15_000) => {
      stopping = true
      const running = child
      if (running) {
        const ended = new Promise(resolve => running.once('close', resolve))
        running.kill('SIGTERM')
        const timer = setTimeout(() => running.kill('SIGKILL'), graceMs)
        await ended
        clearTimeout(timer)
      }
      await new Promise<void>(resolve => log.end(resolve))
    },
  }
}
