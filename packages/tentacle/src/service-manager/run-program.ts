import { spawn } from 'node:child_process'
import { systemCode, TentacleError, toError } from '../errors.ts'

/** How a program of the system ended. */
export interface ProgramEnd {
  /** The exit code; 128 and more for one that was ended by a signal. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What a program is run with. */
export interface RunProgramOptions {
  /** The whole environment; `PATH` in it is where the program is looked for. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Runs programs of the system. */
export type RunProgram = (program: string, args: readonly string[]) => Promise<ProgramEnd>

/** What any of these programs may take, in ms; `systemctl stop` waits up to 90 s for a service. */
const timeLimitMs = 5 * 60_000

/** What a program leaves running may hold its output open: so long, in ms, is waited for the end of that after its own. */
const lateOutputMs = 1000

/** Programs write little; what comes beyond this, in characters, is not kept. */
const keptOutput = 100_000

/**
 * Runs a program with a list of arguments, without a shell and without standard input.
 *
 * @throws TentacleError `ERR_PLATFORM` when there is no such program, or it cannot be started.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env }: RunProgramOptions,
): Promise<ProgramEnd> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const [stdout, stderr] = [child.stdout, child.stderr].map(stream => {
      const kept = { text: '' }
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        kept.text = (kept.text + chunk).slice(0, keptOutput)
      })
      return kept
    })
    // The time limit of `spawn` goes on when the program could not be started, and keeps this process alive.
    const limit = setTimeout(() => child.kill(), timeLimitMs)
    let lateOutput: NodeJS.Timeout | undefined
    child.once('error', cause => {
      clearTimeout(limit)
      reject(notStarted(program, cause))
    })
    child.once('exit', () => {
      lateOutput = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, lateOutputMs)
    })
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      clearTimeout(lateOutput)
      resolve({
        exitCode: code ?? 128,
        stdout: stdout?.text ?? '',
        stderr: `${stderr?.text ?? ''}${signal === null ? '' : `ended by ${signal}\n`}`,
      })
    })
  })
}

function notStarted(program: string, cause: unknown): TentacleError {
  const code = systemCode(cause)
  const reason = code === 'ENOENT' ? 'it is not on the PATH of this machine' : toError(cause).message
  return new TentacleError('ERR_PLATFORM', `${program} cannot be started: ${reason}.`, {
    details: { program, systemCode: code },
    cause,
  })
}
