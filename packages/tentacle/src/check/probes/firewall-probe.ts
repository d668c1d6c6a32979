import { execFile } from 'node:child_process'
import { findProgram } from '../../processes/find-program.ts'
import { type Finding, verdict } from '../finding.ts'
import { type ProbeContext, withinTime } from '../probe.ts'

/** What a firewall has to let pass. */
export interface FirewallNeeds {
  /** The port on which servers call; undefined if the agent does not listen. */
  readonly listenPort: number | undefined
  /** Ports to which this agent connects. */
  readonly polledPorts: readonly number[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** One firewall program and how its rules are read. */
interface FirewallTool {
  readonly name: string
  readonly command: readonly [file: string, ...args: string[]]
  /** What stands in the way of a port by these rules; undefined: nothing that can be seen. */
  readonly problem: (rules: string, needs: FirewallNeeds) => string | undefined
  /** Whether these rules are in force at all. */
  readonly isActive: (rules: string) => boolean
}

/** The usual places, for accounts whose path lacks those of the administrator. */
const systemFolders = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin'

const tools: readonly FirewallTool[] = [
  {
    name: 'firewalld',
    command: ['firewall-cmd', '--list-all'],
    isActive: rules => /\(active\)|^\s*ports:/m.test(rules),
    problem: (rules, { listenPort }) =>
      listenPort === undefined || namesPort(rules, listenPort) ? undefined : `opens no port ${listenPort}`,
  },
  {
    name: 'ufw',
    command: ['ufw', 'status'],
    isActive: rules => /^Status: active/m.test(rules),
    problem: (rules, { listenPort }) =>
      listenPort === undefined || namesPort(rules, listenPort)
        ? undefined
        : `has no rule for port ${listenPort}`,
  },
  {
    name: 'nftables',
    command: ['nft', 'list', 'ruleset'],
    isActive: rules => rules.trim() !== '',
    problem: (rules, needs) => {
      const drops = (hook: string) => new RegExp(`hook ${hook} [^\\n]*policy drop`).test(rules)
      return missing(rules, needs, drops('input'), drops('output'))
    },
  },
  {
    name: 'iptables',
    command: ['iptables', '-S'],
    isActive: rules => rules.trim() !== '',
    problem: (rules, needs) => {
      const drops = (chain: string) => new RegExp(`^-P ${chain} (DROP|REJECT)`, 'm').test(rules)
      return missing(rules, needs, drops('INPUT'), drops('OUTPUT'))
    },
  },
]

/**
 * Looks whether a firewall on this machine could stand in the way. Only a hint: rules can do much that is not looked at
 * here, so this never fails. The first program that answers counts, since the later ones show what the first has made.
 */
export async function checkFirewall(needs: FirewallNeeds, context: ProbeContext): Promise<Finding> {
  const answer = verdict('firewall', 'the firewall of this machine')
  if (process.platform !== 'linux') return answer.skipped('It is looked at on Linux only.')
  const unreadable: string[] = []
  for (const tool of tools) {
    const outcome = await run(tool.command, needs.env, context)
    if (outcome === 'not there') continue
    if (outcome === 'not readable') unreadable.push(tool.name)
    else if (tool.isActive(outcome)) {
      const problem = tool.problem(outcome, needs)
      if (problem === undefined)
        return answer.ok(`${tool.name} is active, and nothing that it says stands in the way.`)
      return answer.warning(
        `${tool.name} is active and ${problem}.`,
        `Let it pass TCP: ${opening(tool.name, needs)}`,
      )
    }
  }
  if (unreadable.length === 0) return answer.ok('None is active.')
  return answer.skipped(
    `${unreadable.join(' and ')} cannot be read by this account.`,
    'Run the check as root to have it looked at.',
  )
}

function missing(
  rules: string,
  needs: FirewallNeeds,
  dropsIn: boolean,
  dropsOut: boolean,
): string | undefined {
  const { listenPort, polledPorts } = needs
  if (dropsIn && listenPort !== undefined && !namesPort(rules, listenPort))
    return `drops what no rule allows to come in, and no rule names port ${listenPort}`
  const unnamed = polledPorts.find(port => !namesPort(rules, port))
  if (dropsOut && unnamed !== undefined)
    return `drops what no rule allows to go out, and no rule names port ${unnamed}`
  return undefined
}

function namesPort(rules: string, port: number): boolean {
  return new RegExp(`(?<![\\d.])${port}(?![\\d.])`).test(rules)
}

function opening(tool: string, { listenPort, polledPorts }: FirewallNeeds): string {
  const port = listenPort ?? polledPorts[0] ?? 0
  if (tool === 'firewalld')
    return `firewall-cmd --permanent --add-port=${port}/tcp, then firewall-cmd --reload`
  if (tool === 'ufw') return `ufw allow ${port}/tcp`
  const ways = [
    ...(listenPort === undefined ? [] : [`port ${listenPort} in`]),
    ...polledPorts.map(polled => `port ${polled} out`),
  ]
  return `${ways.join(', ')}.`
}

/** The output of a program, or why there is none. */
async function run(
  [file, ...args]: FirewallTool['command'],
  env: FirewallNeeds['env'],
  context: ProbeContext,
): Promise<string> {
  const path = [env.PATH, systemFolders].filter(Boolean).join(':')
  // Asked beforehand: a folder that this account may not search makes a missing program look forbidden.
  if ((await findProgram(file, path)) === undefined) return 'not there'
  try {
    return await withinTime(context, signal => {
      return new Promise<string>((resolve, reject) => {
        const options = { signal, killSignal: 'SIGKILL', env: { ...env, PATH: path, LC_ALL: 'C' } } as const
        execFile(file, args, options, (error, stdout, stderr) => {
          if (error === null || /not running/i.test(stderr)) resolve(stdout)
          else reject(error)
        })
      })
    })
  } catch (error) {
    if (context.signal.aborted) throw error
    return 'not readable'
  }
}
