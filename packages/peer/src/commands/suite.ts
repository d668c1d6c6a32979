import type { Check } from '../checks/check.ts'
import { failureChecks } from '../checks/failure-checks.ts'
import { streamChecks } from '../checks/stream-checks.ts'
import { valueChecks } from '../checks/value-checks.ts'
import type { Command } from '../cli/command.ts'
import { usageError } from '../cli/peer-error.ts'
import {
  certificateOption,
  listeningOptions,
  openRemote,
  pollingOptions,
  type Remote,
} from '../client/remote.ts'

/** Everything that `suite` checks, in its order. */
export const allChecks: readonly Check[] = [...valueChecks, ...streamChecks, ...failureChecks]

/** Longer than any check takes on a slow machine; a peer that hangs must not hang the suite. */
const checkTimeoutMs = 120_000

/** `suite`: every check against one peer, one JSON line each. */
export const suite: Command = {
  name: 'suite',
  summary: 'Calls everything on a peer: one JSON line for each check, the count of passes and failures last.',
  options: {
    ...listeningOptions,
    ...pollingOptions,
    ...certificateOption,
    checks: { value: 'LIST', help: 'only these checks, by the names that are printed' },
  },
  async run(options, io) {
    const checks = chosenChecks(options.get('checks'))
    const remote = await openRemote(options, io)
    let [pass, fail] = [0, 0]
    try {
      for (const check of checks) {
        if (io.signal.aborted) break
        const result = await runCheck(check, remote)
        io.out(JSON.stringify(result))
        if (result.ok) pass++
        else fail++
      }
    } finally {
      await remote.close()
    }
    const left = checks.length - pass - fail
    io.out(JSON.stringify({ suite: remote.kind, pass, fail: fail + left }))
    return fail + left === 0 ? 0 : 1
  },
}

function chosenChecks(names: string | undefined): readonly Check[] {
  if (names === undefined) return allChecks
  return names.split(',').map(name => {
    const check = allChecks.find(({ test }) => test === name.trim())
    if (!check)
      throw usageError(
        `There is no check '${name}'. There are: ${allChecks.map(({ test }) => test).join(', ')}.`,
      )
    return check
  })
}

/** What is printed for a check. */
interface CheckResult {
  readonly test: string
  readonly ok: boolean
  readonly ms: number
  readonly error?: string
}

async function runCheck({ test, run }: Check, remote: Remote): Promise<CheckResult> {
  const begin = performance.now()
  const ms = () => Math.round((performance.now() - begin) * 100) / 100
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, failed) => {
      timer = setTimeout(() => failed(new Error(`No result after ${checkTimeoutMs} ms.`)), checkTimeoutMs)
    })
    await Promise.race([run(remote), late])
    return { test, ok: true, ms: ms() }
  } catch (error) {
    return { test, ok: false, ms: ms(), error: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}
