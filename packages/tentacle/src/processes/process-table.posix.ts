import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { killProcess } from './kill-process.ts'
import type { ProcessInfo, ProcessTable } from './process-table.ts'

/** How many files of `/proc` are read at the same time. */
const batchSize = 64

export function createPosixProcessTable(root = '/proc'): ProcessTable {
  const find = async (pid: number): Promise<ProcessInfo | undefined> => {
    try {
      return parseStat(await readFile(`${root}/${pid}/stat`, 'latin1'))
    } catch {
      return undefined // ended meanwhile, or hidden from this account
    }
  }
  return {
    bootId: readFileSync(`${root}/sys/kernel/random/boot_id`, 'utf8').trim(),
    find,
    async all() {
      const pids = (await readdir(root)).filter(name => /^\d+$/.test(name)).map(Number)
      const found: ProcessInfo[] = []
      for (let at = 0; at < pids.length; at += batchSize) {
        const batch = await Promise.all(pids.slice(at, at + batchSize).map(find))
        found.push(...batch.filter(info => info !== undefined))
      }
      return found
    },
    canAsk: true,
    groupOf: () => undefined, // the session does that
    kill: killProcess,
  }
}

/**
 * Reads `/proc/<pid>/stat`. The name stands in brackets and may hold blanks and brackets itself, so the fields are
 * counted from the last closing one (proc(5)).
 */
export function parseStat(text: string): ProcessInfo | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const [state, parent, , session] = fields
  const startTime = fields[19]
  if (state === undefined || parent === undefined || session === undefined || startTime === undefined) {
    return undefined
  }
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(parent),
    session: Number(session),
    startTime,
    isDefunct: state === 'Z' || state === 'X',
    name: text.slice(open + 1, close),
  }
}
