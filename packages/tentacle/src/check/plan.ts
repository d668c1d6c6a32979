import { join } from 'node:path'
import type { ProxySettings } from '../settings/tentacle-settings.ts'
import { sameAddress, type TrustedServer } from '../settings/trusted-servers.ts'
import type { Credentials } from '../web-api/api-endpoint.ts'
import { type Finding, type Section, verdict } from './finding.ts'
import { pollingProxyOf } from './network/open-tunnel.ts'
import type { ProbeContext } from './probe.ts'
import { checkFirewall } from './probes/firewall-probe.ts'
import { checkInstance, type InstanceChoice, type InstanceFacts } from './probes/instance-probes.ts'
import type { RegistrationFacts } from './probes/judge-registration.ts'
import { checkListening } from './probes/listening-probes.ts'
import { checkPortal } from './probes/portal-probes.ts'
import type { RegistrationReport } from './probes/registration-probe.ts'
import { walkToServer } from './probes/server-way.ts'
import { checkConnections, checkService, type ServiceState } from './probes/service-probes.ts'

/** What to check. */
export interface CheckPlan {
  readonly choice: InstanceChoice
  /** A way to try before anything is registered: `https://host:port` or `wss://…`. */
  readonly commsAddress: string | undefined
  readonly portal:
    | {
        readonly server: URL
        readonly credentials: Credentials | undefined
        readonly ignoreSslErrors: boolean
        readonly space: string | undefined
      }
    | undefined
  readonly machineName: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => Date
  /** Keeps a secret out of everything that is printed. */
  readonly keepSecret: (secret: string | undefined) => void
}

/** A server that is to be dialled. */
interface Target {
  readonly address: string
  readonly expected: string | undefined
  /** Whether the settings say so; otherwise it is tried only. */
  readonly isPolled: boolean
}

const noProxy: ProxySettings = {
  useDefault: true,
  host: undefined,
  port: 80,
  username: undefined,
  password: undefined,
}

/** Starts all checks, which run side by side, and gives them in the order in which they are to be shown. */
export async function startChecks(plan: CheckPlan, context: ProbeContext): Promise<readonly Section[]> {
  const { findings, facts } = await checkInstance(plan.choice, context)
  plan.keepSecret(facts.pollingProxy?.password)
  const service = startService(plan, facts)
  const portal = startPortal(plan, facts, context)
  const targets = targetsOf(plan, facts)
  const sections: readonly (Section | undefined)[] = [
    {
      title: facts.name === undefined ? 'Instance' : `Instance ${facts.name}`,
      findings: service.then(state => (state === undefined ? findings : [...findings, state.finding])),
    },
    ...targets.map(target => toServer(target, plan, facts, service, context)),
    {
      title:
        plan.portal === undefined
          ? 'Web portal'
          : `Web portal ${plan.portal.server.origin}${plan.portal.server.pathname}`,
      findings: portal.then(report => report.findings),
    },
    listeningSection(plan, facts, portal, context),
    {
      title: 'This machine',
      findings: checkFirewall(
        {
          listenPort: facts.listening?.port,
          polledPorts: targets.flatMap(({ address }) => portOf(address) ?? []),
          env: plan.env,
        },
        context,
      ).then(finding => [finding]),
    },
  ]
  const started = sections.filter(section => section !== undefined)
  // All of them are awaited later, one after the other; when the command is stopped, nobody waits for the rest.
  for (const section of started) section.findings.catch(() => undefined)
  return started
}

async function startService(plan: CheckPlan, facts: InstanceFacts): Promise<ServiceState | undefined> {
  const { home, settingsPath, name, instanceArgument } = facts
  if (home === undefined || settingsPath === undefined) return undefined
  const state = await checkService({ name, instanceArgument, settingsPath }, home, plan.now())
  // Whoever tries a way first has not started anything yet.
  if (!plan.choice.isTrial || state.isRunning || state.finding.status !== 'failed') return state
  return { ...state, finding: { ...state.finding, status: 'warning' } }
}

function targetsOf({ commsAddress }: CheckPlan, { trusted }: InstanceFacts): readonly Target[] {
  const polled = trusted.flatMap((server: TrustedServer): Target[] =>
    server.style === 'TentacleActive' && server.address !== null && portOf(server.address) !== undefined
      ? [{ address: server.address, expected: server.thumbprint, isPolled: true }]
      : [],
  )
  if (commsAddress === undefined || polled.some(({ address }) => sameAddress(address, commsAddress)))
    return polled
  return [...polled, { address: commsAddress, expected: undefined, isPolled: false }]
}

/** The port of an address that can be polled; undefined for any other address, which is a finding about the trust. */
function portOf(address: string): number | undefined {
  if (!/^(https|wss):/i.test(address) || !URL.canParse(address)) return undefined
  return Number(new URL(address).port || 443)
}

function toServer(
  { address, expected, isPolled }: Target,
  plan: CheckPlan,
  facts: InstanceFacts,
  service: Promise<ServiceState | undefined>,
  context: ProbeContext,
): Section {
  const url = new URL(address)
  const isWebSocket = url.protocol === 'wss:'
  const logFolder = join(facts.home ?? '', 'Logs')
  return {
    title: `Server ${url.protocol}//${url.host}${isWebSocket ? url.pathname : ''}, ${isPolled ? 'which is polled' : 'which is tried'}`,
    findings: walkToServer(
      {
        host: url.hostname.replaceAll(/[[\]]/g, ''),
        port: portOf(address) ?? 443,
        webSocketPath: isWebSocket ? `${url.pathname}${url.search}` : undefined,
        expected,
        trusted: facts.trusted.map(({ thumbprint }) => thumbprint),
        proxy: facts.pollingProxy === undefined ? undefined : pollingProxyOf(facts.pollingProxy),
        certificate: facts.certificate,
        env: plan.env,
        instanceArgument: facts.instanceArgument,
        lookForConnections: isPolled
          ? async (addresses, port) => {
              const state = await service
              return state === undefined
                ? verdict('connection', 'connections of the agent').skipped('The instance cannot be read.')
                : await checkConnections(state, addresses, port, logFolder)
            }
          : undefined,
      },
      context,
    ),
  }
}

async function startPortal(
  plan: CheckPlan,
  facts: InstanceFacts,
  context: ProbeContext,
): Promise<RegistrationReport> {
  const { portal } = plan
  if (portal === undefined) return { findings: skippedPortal(facts), registered: undefined }
  return await checkPortal(
    {
      ...portal,
      proxy: facts.pollingProxy ?? noProxy,
      env: plan.env,
      now: plan.now,
      facts: registrationFacts(facts, plan.choice.isTrial),
    },
    context,
  )
}

/** The settings do not keep the address of the portal; that of a polled server is a good guess. */
function skippedPortal({ trusted }: InstanceFacts): readonly Finding[] {
  const address = trusted.find(
    server => server.address !== null && portOf(server.address) !== undefined,
  )?.address
  const guess =
    address === undefined || address === null ? 'http://your-server' : `https://${new URL(address).hostname}`
  return [
    verdict('portal', 'the web portal of the server').skipped(
      'The settings do not tell where it is.',
      `Give --server=${guess} to have it checked with the clock, and --apiKey=API-… for the registration.`,
    ),
  ]
}

function registrationFacts(
  { trusted, squid, certificate, listening, instanceArgument }: InstanceFacts,
  isTrial: boolean,
): RegistrationFacts {
  const polled = trusted.filter(({ style }) => style === 'TentacleActive')
  const subscriptions = polled.flatMap(
    ({ subscriptionId }) => subscriptionId ?? (squid === undefined ? [] : `poll://${squid.toLowerCase()}/`),
  )
  return {
    thumbprint: certificate?.thumbprint,
    subscriptions: [...new Set(subscriptions)],
    isListening: listening !== undefined,
    trusted: trusted.map(({ thumbprint }) => thumbprint),
    pollsByWebSocket: polled.some(({ address }) => address !== null && /^wss:/i.test(address)),
    isTrial,
    instanceArgument,
  }
}

function listeningSection(
  plan: CheckPlan,
  { listening, certificate, instanceArgument }: InstanceFacts,
  portal: Promise<RegistrationReport>,
  context: ProbeContext,
): Section | undefined {
  if (listening === undefined || plan.choice.isTrial) return undefined
  const { machineName, env } = plan
  return {
    title: `Listening on port ${listening.port}`,
    findings: checkListening(
      { ...listening, certificate, machineName, instanceArgument, env },
      portal.then(({ registered }) => registered),
      context,
    ),
  }
}
