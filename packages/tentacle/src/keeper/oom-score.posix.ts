import { readFileSync, writeFileSync } from 'node:fs'

const path = '/proc/self/oom_score_adj'

/** -1000 would mean never; a keeper that went wrong may still be ended. */
const keeperScore = -900

/**
 * Asks the system to end other processes before this one when memory is short: with the keeper go the output and the
 * results of all of its scripts. Only root may ask for that.
 *
 * @returns what scripts must be given back, for they inherit it; undefined when nothing was changed
 */
export function spareThisProcess(): number | undefined {
  try {
    const before = Number(readFileSync(path, 'latin1'))
    if (!Number.isInteger(before) || before <= keeperScore) return undefined
    writeFileSync(path, String(keeperScore))
    return before
  } catch {
    return undefined
  }
}
