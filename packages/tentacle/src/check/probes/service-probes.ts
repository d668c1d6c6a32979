import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { heartbeatFileName } from '../../host/heartbeat.ts'
import { instanceOptions } from '../../options/common-options.ts'
import { parseOptions } from '../../options/parse-options.ts'
import { defaultInstanceName } from '../../settings/select-instance.ts'
import { type Finding, verdict } from '../finding.ts'
import { hostAndPort } from '../network/connect-tcp.ts'
import { commandLines, socketInodes, tcpSockets } from '../network/proc-net.ts'

/** Whether the agent of the instance runs. */
export interface ServiceState {
  readonly finding: Finding
  readonly isRunning: boolean
  /** Undefined: not found, or the system does not tell. */
  readonly pid: number | undefined
}

/** A heartbeat comes every 10 s; an older one than this, in ms, is of an agent that is gone or hangs. */
const freshMs = 60_000

/** Looks at the heartbeat of the agent, and for its process. */
export async function checkService(
  instance: {
    readonly name: string | undefined
    readonly instanceArgument: string
    readonly settingsPath: string
  },
  home: string,
  now: Date,
): Promise<ServiceState> {
  const file = join(home, heartbeatFileName)
  const answer = verdict('service', 'the running agent')
  const pid = await findAgent(instance.name, instance.settingsPath)
  const process = pid === undefined ? '' : ` It is process ${pid}.`
  const start = `Start it: Tentacle service${instance.instanceArgument} --start, or Tentacle run${instance.instanceArgument}`
  const log = `Its log is in ${join(home, 'Logs', 'OctopusTentacle.txt')}.`
  const heartbeat = await stat(file).catch(() => undefined)
  if (heartbeat === undefined) {
    const detail = `There is no heartbeat at ${file}: the agent has not run yet, or cannot write there.`
    return {
      finding: answer.failed(`${detail}${process}`, pid === undefined ? start : log),
      isRunning: false,
      pid,
    }
  }
  const age = Math.round((now.getTime() - heartbeat.mtimeMs) / 1000)
  if (age * 1000 > freshMs) {
    const finding =
      pid === undefined
        ? answer.failed(`The agent does not run: its last heartbeat was ${age} s ago.`, `${start} ${log}`)
        : answer.failed(
            `The agent hangs: its last heartbeat was ${age} s ago.${process}`,
            `Restart it. ${log}`,
          )
    return { finding, isRunning: false, pid }
  }
  return {
    finding: answer.ok(`The agent runs; its last heartbeat was ${Math.max(0, age)} s ago.${process}`),
    isRunning: true,
    pid,
  }
}

/** The process of an instance, by the command line that it was started with. */
async function findAgent(name: string | undefined, settingsPath: string): Promise<number | undefined> {
  for (const { pid, argv } of await commandLines()) if (isAgent(argv, name, settingsPath)) return pid
  return undefined
}

function isAgent(argv: readonly string[], name: string | undefined, settingsPath: string): boolean {
  const program = argv.findIndex(arg => /^(Tentacle|tentacle|start\.mjs|main\.ts)$/.test(basename(arg)))
  const command = argv[program + 1]?.toLowerCase()
  if (program < 0 || (command !== 'run' && command !== 'agent')) return false
  try {
    const options = parseOptions(instanceOptions, argv.slice(program + 2))
    const [typed, config] = [options.text('instance'), options.text('config')]
    if (typed !== undefined) return typed.toLowerCase() === name?.toLowerCase()
    if (config !== undefined) return resolve(config) === settingsPath
    return name?.toLowerCase() === defaultInstanceName.toLowerCase()
  } catch {
    return false
  }
}

/** Counts the connections of the agent to a server, or to the proxy in front of it. Only Linux tells. */
export async function checkConnections(
  { isRunning, pid }: ServiceState,
  addresses: readonly string[],
  port: number,
  logFolder: string,
): Promise<Finding> {
  const where = addresses.map(address => hostAndPort(address, port)).join(', ')
  const answer = verdict('connection', `connections of the agent to ${where}`)
  if (!isRunning) return answer.skipped('The agent does not run.')
  const [sockets, own, theirs] = await Promise.all([
    tcpSockets(),
    socketInodes('self'),
    pid === undefined ? undefined : socketInodes(pid),
  ])
  if (sockets === undefined) return answer.skipped('This system does not tell who is connected.')
  const held = sockets.filter(
    ({ state, remoteAddress, remotePort, inode }) =>
      state === 'connected' &&
      remotePort === port &&
      addresses.includes(remoteAddress) &&
      (theirs === undefined ? !own?.has(inode) : theirs.has(inode)),
  ).length
  const who = theirs === undefined ? 'This machine' : `Process ${pid}`
  if (held > 0)
    return answer.ok(`${who} holds ${held === 1 ? 'one connection' : `${held} connections`} to it.`)
  return answer.warning(
    `The agent runs, but ${who === 'This machine' ? 'this machine' : who.toLowerCase()} holds no connection to it.`,
    `If the way is free the agent tries again within two minutes; it tells why it failed in ${join(logFolder, 'OctopusTentacle.txt')}. Restart it after a change of settings.`,
  )
}
