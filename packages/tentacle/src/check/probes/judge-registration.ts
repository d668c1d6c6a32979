import type { Finding, Verdict } from '../finding.ts'
import { sentence } from '../probe.ts'

/** What this agent believes of its registration. */
export interface RegistrationFacts {
  /** Of its certificate; undefined if it has none. */
  readonly thumbprint: string | undefined
  /** `poll://…/` of all servers that it polls. */
  readonly subscriptions: readonly string[]
  readonly isListening: boolean
  readonly trusted: readonly string[]
  /** Then the thumbprint that it trusts is that of the web server. */
  readonly pollsByWebSocket: boolean
  /** Nothing is registered yet, so being unknown is no fault. */
  readonly isTrial: boolean
  readonly instanceArgument: string
}

/** A machine or worker of the server that is, or was, this agent. */
export interface Registered {
  readonly kind: 'deployment target' | 'worker'
  readonly name: string
  /** Found by the thumbprint; otherwise by the subscription alone. */
  readonly isThisThumbprint: boolean
  readonly thumbprint: string
  readonly style: string
  /** Where the server calls it: `https://host:port/` or `poll://…/`. */
  readonly uri: string
  readonly health: string
  readonly summary: string
  readonly isDisabled: boolean
}

/** Says how the server knows this agent, and whether that fits to how the agent is set up. */
export function judgeRegistration(
  answer: Verdict,
  machines: readonly Registered[],
  facts: RegistrationFacts,
  space: string | undefined,
): Finding {
  const { thumbprint, instanceArgument } = facts
  const [first] = machines
  const where = space === undefined ? 'the default space' : `the space ${space}`
  if (first === undefined) {
    const detail = `In ${where} no machine and no worker has the thumbprint ${thumbprint ?? 'of this agent, which has none'}.`
    const next = `Register it: Tentacle register-with${instanceArgument} …, or give the right --space.`
    return facts.isTrial ? answer.warning(detail, next) : answer.failed(detail, next)
  }
  const all = machines.map(describe).join(' ')
  if (!first.isThisThumbprint) {
    return answer.failed(
      `${all} But its thumbprint there is ${first.thumbprint}; that of this agent is ${thumbprint ?? 'missing'}.`,
      `This agent has a new certificate: set the thumbprint on the server, or register again with --force.`,
    )
  }
  const misfit = machines.map(machine => misfitOf(machine, facts)).find(problem => problem !== undefined)
  if (misfit !== undefined) return answer.failed(`${all} ${misfit[0]}`, misfit[1])
  if (machines.some(({ isDisabled }) => isDisabled))
    return answer.warning(`${all} It is disabled.`, 'Enable it on the server.')
  const unwell = machines.find(({ health }) => /^(Unhealthy|Unavailable)$/i.test(health))
  if (unwell !== undefined)
    return answer.warning(all, 'Run a health check on the server after you have corrected what failed here.')
  return answer.ok(all)
}

function describe({ name, kind, style, uri, health, summary }: Registered): string {
  const how = style === 'TentacleActive' ? `polls as ${uri}` : `is called at ${uri}`
  const why =
    summary === '' || /^healthy$/i.test(health) ? '' : ` (${summary.replaceAll(/\p{Cc}+/gu, ' ').trim()})`
  return sentence(
    `'${name}' is a ${kind}, ${how}, and its health is ${health === '' ? 'not known' : health}${why}`,
  )
}

/** How the server and the agent miss each other. */
function misfitOf(
  { style, uri }: Registered,
  { subscriptions, isListening, instanceArgument }: RegistrationFacts,
): readonly [detail: string, next: string] | undefined {
  if (style === 'TentaclePassive' && !isListening) {
    return [
      'The server wants to call it, but this agent does not listen.',
      `Let it listen: Tentacle configure${instanceArgument} --noListen=False, or register it again with --comms-style=TentacleActive --force.`,
    ]
  }
  if (style !== 'TentacleActive') return undefined
  if (subscriptions.some(one => one.toLowerCase() === uri.toLowerCase())) return undefined
  const polls = subscriptions.length === 0 ? 'polls no server' : `polls as ${subscriptions.join(', ')}`
  return [
    `The server waits for ${uri}, but this agent ${polls}.`,
    `Register it again: Tentacle register-with${instanceArgument} … --comms-style=TentacleActive --force`,
  ]
}
