import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { windowsBootId, windowsIdentityOf } from '../processes/process-table.windows.ts'
import { jobObjectName, type ProcessIdentity } from '../processes/script-claim.ts'
import { createHeldProcess, type HeldProcess } from '../windows/held-process.ts'
import { createJobObject, type JobObject } from '../windows/job-object.ts'
import type { KeeperJob } from './keeper-protocol.ts'
import type { HeldScript, ScriptStarter } from './script-starter.ts'

/** How often is looked whether a script has ended that has closed its output: soon at first. */
const firstPauseMs = 2
const longestPauseMs = 250

/** What a process is ended with that has not run anything. */
const neverRun = 1

/**
 * Starts each script when its turn comes, held until it is claimed, in a job object of its own. The keeper holds that as
 * long as the script lives, so that any agent of this machine can find it by its name.
 */
export class WindowsStarter implements ScriptStarter {
  readonly bootId = windowsBootId()
  readonly identity = windowsIdentityOf(process.pid)

  async hold({ workspace, argv }: KeeperJob): Promise<HeldScript> {
    const [program = '', ...parts] = argv
    const [stdout, stderr] = [await openPipe(), await openPipe()]
    try {
      const held = createHeldProcess({
        program,
        commandLine: parts.join(' '),
        folder: workspace,
        stdout: stdout.name,
        stderr: stderr.name,
      })
      try {
        const identity = { pid: held.id, startTime: String(held.facts()?.startTime ?? 0) }
        const job = createJobObject(jobObjectName({ bootId: this.bootId, script: identity }), held.handle)
        return heldScript(held, identity, job, await stdout.reader, await stderr.reader)
      } catch (error) {
        held.terminate(neverRun)
        held.close()
        throw error
      }
    } catch (error) {
      for (const { reader } of [stdout, stderr]) reader.then(socket => socket.destroy()).catch(() => {})
      throw error
    } finally {
      stdout.close()
      stderr.close()
    }
  }

  prepare(): void {}

  async close(): Promise<void> {}
}

function heldScript(
  held: HeldProcess,
  identity: ProcessIdentity,
  job: JobObject,
  stdout: Socket,
  stderr: Socket,
): HeldScript {
  const discard = () => {
    held.terminate(neverRun)
    stdout.resume()
    stderr.resume()
  }
  const ended = exitCodeOf(held, [stdout, stderr]).finally(() => {
    held.close()
    job.close()
  })
  ended.catch(() => {}) // whoever needs it is told
  return { identity, stdout, stderr, ended, go: () => held.resume(), release: discard, dismiss: discard }
}

/** Most scripts have ended when nobody holds their output any more, so nothing has to wait for each of them. */
async function exitCodeOf(held: HeldProcess, output: readonly Socket[]): Promise<number> {
  await Promise.allSettled(output.map(stream => finished(stream)))
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const facts = held.facts()
    if (facts === undefined) throw new Error(`Windows tells nothing more of the process ${held.id}.`)
    if (facts.hasEnded) return facts.exitCode
    await delay(pauseMs)
  }
}

/** A pipe with a name, for one who writes to it. */
async function openPipe() {
  const name = `\\\\.\\pipe\\tentacle-${randomUUID()}`
  const server = createServer({ pauseOnConnect: true })
  const reader = once(server, 'connection').then(([socket]: Socket[]) => {
    if (socket === undefined) throw new Error(`Nobody has opened ${name}.`)
    socket.on('error', () => {}) // it broke: nothing more can come out of it
    return socket
  })
  reader.catch(() => {})
  server.listen(name)
  await once(server, 'listening')
  return { name, reader, close: () => void server.close() }
}
