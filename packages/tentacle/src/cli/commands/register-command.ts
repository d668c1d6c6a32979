import { TentacleError } from '../../errors.ts'
import { apiOptions, readApiEndpoint, spaceOptions } from '../../options/api-options.ts'
import { commsOptions, readCommsAddress, refuseWebSockets } from '../../options/comms-options.ts'
import { flag, type OptionTable, value } from '../../options/option-table.ts'
import type { ParsedOptions } from '../../options/parse-options.ts'
import { type Registration, register } from '../../registration/register.ts'
import { settingsKeys } from '../../settings/settings-keys.ts'
import { newSubscriptionId, subscriptionForAddress } from '../../settings/subscription-id.ts'
import type { TentacleSettings } from '../../settings/tentacle-settings.ts'
import { addOrReplace, parseStyle, type TrustedServer } from '../../settings/trusted-servers.ts'
import type { InstanceContext } from '../command.ts'
import { demandCommsPort, withServer } from './with-server.ts'

/** What `register-with` and `register-worker` have in common. */
export const registerOptions = {
  ...apiOptions,
  name: value('name', 'Name on the server; the name of this machine if none is given'),
  policy: value('policy', 'Name of a machine policy; the default of the server if none is given'),
  publicHostName: value(
    'h|publicHostName',
    'Host that the server connects to; the name of this machine if none is given',
  ),
  force: flag('f|force', 'Overwrites what has this name on the server'),
  commsStyle: value(
    'comms-style',
    'TentaclePassive, which is the default: the server connects to this agent. TentacleActive: this agent polls it',
  ),
  proxy: value(
    'proxy',
    'Name of a proxy on the server through which it connects to this agent; not when polling',
  ),
  ...spaceOptions,
  commsPort: commsOptions.commsPort,
  commsAddress: commsOptions.commsAddress,
  webSocket: commsOptions.webSocket,
  subscriptionId: value(
    'server-subscription-id',
    'Subscription to poll with, poll://…, in place of one that is made up; for agents that move to another machine',
  ),
  tentaclePort: value(
    'tentacle-comms-port',
    'Port that the server connects to, if it is not the one that is listened on',
  ),
} as const satisfies OptionTable

/** Command lines that `register-with` and `register-worker` share. */
export type RegisterGiven = Pick<
  ParsedOptions<typeof registerOptions>,
  'nonEmpty' | 'has' | 'integer' | 'text'
>

/** What only a target or only a worker has. */
export type OwnRegistration =
  | Pick<
      Extract<Registration, { kind: 'target' }>,
      'kind' | 'environments' | 'roles' | 'tenants' | 'tenantTags' | 'tenantedDeploymentParticipation'
    >
  | Pick<Extract<Registration, { kind: 'worker' }>, 'kind' | 'workerPools'>

/** How this agent and the server are going to meet. */
type Meeting =
  | { readonly style: 'TentaclePassive'; readonly uri: string }
  | {
      readonly style: 'TentacleActive'
      readonly uri: string
      readonly address: string
      readonly port: number
    }

/**
 * Registers the agent and remembers the server: it is trusted, and polled if that is the style.
 *
 * @param seedConnections - how many connections a polling agent is set to hold, if nobody has chosen yet.
 */
export async function runRegister(
  given: RegisterGiven,
  own: OwnRegistration,
  seedConnections: number,
  context: InstanceContext,
): Promise<void> {
  const endpoint = readApiEndpoint(given)
  const settings = await context.settings.read()
  const thumbprint = settings.certificateThumbprint
  if (thumbprint === undefined) {
    throw new TentacleError(
      'ERR_NO_CERTIFICATE',
      "This agent has no certificate yet; run 'Tentacle new-certificate' first.",
    )
  }
  const meeting = chooseMeeting(given, endpoint.server, settings, context)
  const proxy = await webProxy(meeting, settings)
  if (meeting.style === 'TentacleActive') await demandCommsPort(meeting, proxy, context)
  context.log.info(`Registering the tentacle with the server at ${endpoint.server.href}`)
  const server = await withServer(endpoint, proxy, context, api =>
    register(api, {
      ...own,
      name: given.nonEmpty('name') ?? context.machine.name,
      space: given.nonEmpty('space'),
      policy: given.nonEmpty('policy'),
      proxy: given.nonEmpty('proxy'),
      force: given.has('force'),
      endpoint:
        meeting.style === 'TentaclePassive'
          ? { style: meeting.style, uri: meeting.uri, thumbprint, proxyId: null }
          : { style: meeting.style, uri: meeting.uri, thumbprint },
    }),
  )
  await remember(server, meeting, seedConnections, context)
  context.log.info('Machine registered successfully')
  context.restartHint()
}

function chooseMeeting(
  given: RegisterGiven,
  server: URL,
  settings: TentacleSettings,
  { machine }: InstanceContext,
): Meeting {
  refuseWebSockets(given)
  const style = parseStyle(given.text('commsStyle') ?? 'TentaclePassive')
  if (style === 'TentaclePassive') {
    const host = given.nonEmpty('publicHostName') ?? machine.name
    return { style, uri: agentUri(host, given.integer('tentaclePort') ?? settings.port) }
  }
  if (style !== 'TentacleActive') {
    throw new TentacleError(
      'ERR_USAGE',
      'Give a style that exists: --comms-style=TentaclePassive or --comms-style=TentacleActive',
    )
  }
  if (given.has('proxy')) {
    throw new TentacleError(
      'ERR_USAGE',
      '--proxy is for servers that connect to the agent; a polling agent uses polling-proxy.',
    )
  }
  const { address, port } = readCommsAddress(given, server)
  const known = subscriptionForAddress(settings.trustedServers, address)
  return { style, uri: known ?? chosenSubscription(given) ?? newSubscriptionId(), address, port }
}

function chosenSubscription(given: RegisterGiven): string | undefined {
  const typed = given.nonEmpty('subscriptionId')
  if (typed === undefined || /^poll:\/\/[^/\s]+\/?$/i.test(typed)) return typed
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `'${typed}' is not a subscription; expected something like poll://name/`,
  )
}

function agentUri(host: string, port: number): string {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const uri = `https://${bracketed}:${port}`
  if (URL.canParse(uri) && !/[/\\?#@\s]/.test(host)) return new URL(uri).href
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `'${host}' with port ${port} is not an address that a server can connect to.`,
  )
}

/** Listening agents reach the server without the polling proxy; only the system's proxy is used, if that is allowed. */
async function webProxy(meeting: Meeting, settings: TentacleSettings) {
  if (meeting.style === 'TentacleActive') return await settings.pollingProxy()
  const { useDefault } = await settings.agentProxy()
  return { useDefault, host: undefined, port: 80, username: undefined, password: undefined }
}

async function remember(
  thumbprint: string,
  meeting: Meeting,
  seedConnections: number,
  { settings, log }: InstanceContext,
): Promise<void> {
  const active = meeting.style === 'TentacleActive'
  const entry: TrustedServer = {
    thumbprint,
    style: meeting.style,
    address: active ? meeting.address : null,
    squid: null,
    subscriptionId: active ? meeting.uri : null,
  }
  let seeded = false
  await settings.change(draft => {
    draft.trust(addOrReplace(draft.trustedServers, entry))
    seeded = active && !draft.get(settingsKeys.pollingConnectionCount)
    if (seeded) draft.set(settingsKeys.pollingConnectionCount, seedConnections)
  })
  if (seeded) log.info(`Setting the polling connection count to ${seedConnections}`)
}
