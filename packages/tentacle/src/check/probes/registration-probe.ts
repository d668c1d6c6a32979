import type { Dispatcher } from 'undici'
import { TentacleError } from '../../errors.ts'
import { findByThumbprint, type Lookups } from '../../registration/lookups.ts'
import { chooseSpace, openSpace, serverThumbprint, signIn } from '../../registration/repository.ts'
import { ApiClient } from '../../web-api/api-client.ts'
import type { ApiEndpoint, Credentials } from '../../web-api/api-endpoint.ts'
import { expandLink } from '../../web-api/links.ts'
import { asResource, asResources, linkOf, type Resource, textOf } from '../../web-api/resource.ts'
import { type Finding, verdict } from '../finding.ts'
import { type ProbeContext, probe } from '../probe.ts'
import { judgeRegistration, type Registered, type RegistrationFacts } from './judge-registration.ts'

/** Where to look this agent up, and as whom. */
export interface RegistrationWay {
  readonly server: URL
  /** Undefined: nothing can be asked that needs a user. */
  readonly credentials: Credentials | undefined
  readonly ignoreSslErrors: boolean
  readonly space: string | undefined
  readonly facts: RegistrationFacts
}

/** What the server told about this agent. */
export interface RegistrationReport {
  readonly findings: readonly Finding[]
  /** How the server knows this agent, if it was asked and does. */
  readonly registered: Registered | undefined
}

/** Asks the server how it knows this agent, and with which certificate it meets agents. */
export async function lookUpAgent(
  way: RegistrationWay,
  dispatcher: Dispatcher,
  context: ProbeContext,
): Promise<RegistrationReport> {
  const { credentials, server, ignoreSslErrors, facts } = way
  if (credentials === undefined) {
    const skipped = verdict('registration', 'the registration').skipped(
      'The server tells it to users only.',
      'Give --apiKey=API-… to have it looked up.',
    )
    return { findings: [skipped], registered: undefined }
  }
  let registered: Registered | undefined
  const findings: Finding[] = []
  const main = await probe(
    context,
    ['registration', `this agent at ${server.origin}`],
    async (answer, signal) => {
      const endpoint: ApiEndpoint = { server, credentials, ignoreSslErrors }
      const api = new ApiClient(endpoint, { dispatcher, signal, patience: { limitMs: 0, pauseMs: 1 } })
      await signIn(api, credentials, server)
      const { links } = await openSpace(api, await chooseSpace(api, way.space))
      findings.push(await compareServerThumbprint(api, facts))
      const lookups = { api, links }
      const machines = await knownAs(lookups, facts)
      registered = machines.find(({ isThisThumbprint }) => isThisThumbprint) ?? machines[0]
      return judgeRegistration(answer, machines, facts, way.space)
    },
  )
  return { findings: [main, ...findings], registered }
}

/** By thumbprint; if there is none, by subscription: then the certificate has been replaced. */
async function knownAs(lookups: Lookups, facts: RegistrationFacts): Promise<readonly Registered[]> {
  const { thumbprint = '', subscriptions } = facts
  const found: Registered[] = []
  for (const kind of ['Machines', 'Workers'] as const) {
    const machines = thumbprint === '' ? [] : await findByThumbprint(lookups, kind, thumbprint)
    found.push(...machines.map(machine => toRegistered(machine, kind, true)))
  }
  if (found.length > 0 || subscriptions.length === 0) return found
  for (const kind of ['Machines', 'Workers'] as const) {
    const path = expandLink(linkOf(lookups.links, kind), { id: 'all' })
    const all = asResources(await lookups.api.get(path), path).map(machine =>
      toRegistered(machine, kind, false),
    )
    found.push(...all.filter(({ uri }) => subscriptions.some(one => one.toLowerCase() === uri.toLowerCase())))
  }
  return found
}

function toRegistered(
  machine: Resource,
  kind: 'Machines' | 'Workers',
  isThisThumbprint: boolean,
): Registered {
  const endpoint =
    typeof machine.Endpoint === 'object' && machine.Endpoint !== null
      ? asResource(machine.Endpoint, 'Endpoint')
      : {}
  return {
    kind: kind === 'Machines' ? 'deployment target' : 'worker',
    name: textOf(machine, 'Name'),
    isThisThumbprint,
    thumbprint: textOf(endpoint, 'Thumbprint') || textOf(machine, 'Thumbprint'),
    style: textOf(endpoint, 'CommunicationStyle'),
    uri: textOf(endpoint, 'Uri') || textOf(machine, 'Uri'),
    health: textOf(machine, 'HealthStatus'),
    summary: textOf(machine, 'StatusSummary'),
    isDisabled: machine.IsDisabled === true,
  }
}

async function compareServerThumbprint(api: ApiClient, facts: RegistrationFacts): Promise<Finding> {
  const { trusted, pollsByWebSocket, instanceArgument } = facts
  const answer = verdict('thumbprint', 'the certificate with which the server meets agents')
  try {
    const thumbprint = await serverThumbprint(api)
    if (trusted.some(one => one.toLowerCase() === thumbprint.toLowerCase()))
      return answer.ok(`It is ${thumbprint}, which this agent trusts.`)
    if (pollsByWebSocket)
      return answer.ok(`It is ${thumbprint}; WebSockets are met with that of the web server.`)
    const detail = `It is ${thumbprint}, which this agent does not trust.`
    const next = `Register the agent, or trust it: Tentacle configure${instanceArgument} --trust=${thumbprint}`
    return facts.isTrial ? answer.warning(detail, next) : answer.failed(detail, next)
  } catch (error) {
    if (error instanceof TentacleError && error.code === 'ERR_NOT_ALLOWED')
      return answer.skipped('This user may not see it.')
    throw error
  }
}
