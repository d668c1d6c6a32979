import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names of a control group's files, in the first and in the second version of them. */
const versions = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', events: 'memory.oom_control' },
  { root: '/sys/fs/cgroup', limit: 'memory.max', events: 'memory.events' },
] as const

/** A process that may have little memory from now on, until the kernel kills it. */
export interface MemoryLimit {
  /** How many processes the kernel has killed for it. */
  kills(): number
  remove(): void
}

/** Limits what a process may have in addition to what it has, in bytes. Needs root. */
export function limitMemory(pid: number, bytes: number): MemoryLimit {
  const version = versions.find(({ root, limit }) =>
    readdirSync(root).some(name => existsSync(join(root, name, limit)) || name === limit),
  )
  if (version === undefined) throw new Error('This machine has no control groups for memory.')
  const group = join(version.root, `tentacle-test-${process.pid}`)
  mkdirSync(group)
  writeFileSync(join(group, version.limit), String(bytes))
  writeFileSync(join(group, 'cgroup.procs'), String(pid))
  return {
    kills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(group, version.events), 'utf8'))?.[1]),
    remove: () => rmdirSync(group),
  }
}

/** What this machine calls a process that another one, which was booted on it, calls `inner`. */
export function outerPid(inner: string, belongsTo: (pid: number) => boolean): number {
  const found = readdirSync('/proc').find(name => {
    if (!/^\d+$/.test(name)) return false
    try {
      const names =
        /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? []
      return names.length > 1 && names.at(-1) === inner && belongsTo(Number(name))
    } catch {
      return false // it has ended meanwhile
    }
  })
  if (found === undefined) throw new Error(`No process is called ${inner} in the other machine.`)
  return Number(found)
}
