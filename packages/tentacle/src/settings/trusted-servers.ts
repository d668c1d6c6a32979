import { TentacleError } from '../errors.ts'

/** How a server and this agent meet, as the settings file numbers it (docs/wire/tentacle-settings.md 5). */
export const communicationStyles = {
  None: 0,
  TentaclePassive: 1,
  TentacleActive: 2,
  Ssh: 3,
  OfflineDrop: 4,
  AzureWebApp: 5,
  Ftp: 6,
  AzureCloudService: 7,
  AzureServiceFabricCluster: 8,
  Kubernetes: 9,
  StepPackage: 10,
  KubernetesTentacle: 11,
  AwsEcsCluster: 12,
} as const

/** A style by its name. `TentaclePassive`: the server dials the agent. `TentacleActive`: the agent polls the server. */
export type CommunicationStyle = keyof typeof communicationStyles

/** One server that may give orders, and how it is reached if it is polled. */
export interface TrustedServer {
  /** SHA-1 of the server's certificate, as it was typed or received: compared without case. */
  readonly thumbprint: string
  readonly style: CommunicationStyle
  /** Where to poll: `https://host:port`, or `wss://…`. Null for a server that dials in. */
  readonly address: string | null
  /** An identity of long ago; only kept. */
  readonly squid: string | null
  /** `poll://…/`: the name under which a polled server knows this agent. */
  readonly subscriptionId: string | null
}

/**
 * Reads the value of `Tentacle.Communication.TrustedOctopusServers`. Styles may be numbers or names (older agents wrote
 * names), members may be missing, and their case does not matter.
 *
 * @param source - the file that the text comes from, for messages.
 * @throws TentacleError `ERR_SETTINGS_DAMAGED`
 */
export function parseTrustedServers(json: string | undefined, source: string): TrustedServer[] {
  if (json === undefined || json.trim() === '') return []
  const damaged = (what: string, cause?: unknown) =>
    new TentacleError(
      'ERR_SETTINGS_DAMAGED',
      `The setting 'Tentacle.Communication.TrustedOctopusServers' in ${source} is damaged: ${what}. ` +
        "Repair it, or forget all servers with 'configure --reset-trust' and trust them again.",
      { cause },
    )
  let entries: unknown
  try {
    entries = JSON.parse(json)
  } catch (cause) {
    throw damaged('it is not JSON', cause)
  }
  if (entries === null) return []
  if (!Array.isArray(entries)) throw damaged('it is not a list')
  return entries.map((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null) throw damaged(`entry ${index + 1} is not an object`)
    const member = memberReader(entry)
    const thumbprint = textOrNull(member('Thumbprint'))
    const style = parseStyle(member('CommunicationStyle') ?? 0)
    if (thumbprint === null) throw damaged(`entry ${index + 1} has no thumbprint`)
    if (style === undefined) throw damaged(`entry ${index + 1} has an unknown communication style`)
    return {
      thumbprint,
      style,
      address: textOrNull(member('Address')),
      squid: textOrNull(member('Squid')),
      subscriptionId: textOrNull(member('SubscriptionId')),
    }
  })
}

function memberReader(entry: object): (name: string) => unknown {
  const members = new Map<string, unknown>(
    Object.entries(entry).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return name => members.get(name.toLowerCase())
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** A style by name (case does not matter) or number, `undefined` if it is neither. */
export function parseStyle(value: unknown): CommunicationStyle | undefined {
  const text = String(value).trim().toLowerCase()
  return styleNames.find(name => name.toLowerCase() === text || String(communicationStyles[name]) === text)
}

const styleNames: readonly CommunicationStyle[] = Object.keys(communicationStyles).filter(name =>
  isStyle(name),
)

function isStyle(name: string): name is CommunicationStyle {
  return Object.hasOwn(communicationStyles, name)
}

/** One entry as the settings file and `show-configuration` spell it, members in this order. */
export interface TrustedServerRecord {
  readonly Thumbprint: string
  readonly CommunicationStyle: number
  readonly Address: string | null
  readonly Squid: string | null
  readonly SubscriptionId: string | null
}

export function toRecord(server: TrustedServer): TrustedServerRecord {
  return {
    Thumbprint: server.thumbprint,
    CommunicationStyle: communicationStyles[server.style],
    Address: server.address,
    Squid: server.squid,
    SubscriptionId: server.subscriptionId,
  }
}

/** The text that is stored: one line of JSON. */
export function serializeTrustedServers(servers: readonly TrustedServer[]): string {
  return JSON.stringify(servers.map(toRecord))
}

/**
 * The list with `server` in place of the entry that has the same thumbprint and address, if there is one. The new entry
 * comes last, as in the original.
 */
export function addOrReplace(servers: readonly TrustedServer[], server: TrustedServer): TrustedServer[] {
  const others = servers.filter(
    known =>
      !sameThumbprint(known.thumbprint, server.thumbprint) || !sameAddress(known.address, server.address),
  )
  return [...others, server]
}

/** A server that dials in and is known by its thumbprint alone. */
export function listeningEntry(thumbprint: string): TrustedServer {
  return { thumbprint, style: 'TentaclePassive', address: null, squid: null, subscriptionId: null }
}

/**
 * A thumbprint as people type it, in the case that they chose: blanks and colons, which certificate viewers show, are
 * taken out.
 *
 * @throws TentacleError `ERR_OPTION_VALUE` if what remains is not 40 hexadecimal digits.
 */
export function checkThumbprint(text: string): string {
  const digits = text.replaceAll(/[\s:\u200E]/g, '')
  if (/^[0-9a-fA-F]{40}$/.test(digits)) return digits
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `'${text}' is not a thumbprint: expected the 40 hexadecimal digits of a certificate's SHA-1. Repeat the option for several.`,
  )
}

export function sameThumbprint(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** Whether two addresses lead to the same place: case of the host, the default port and a last `/` do not matter. */
export function sameAddress(a: string | null, b: string | null): boolean {
  return a === b || (a !== null && b !== null && normalizedAddress(a) === normalizedAddress(b))
}

/** The address in one spelling, with a `/` at its end: `https://host:10943/`. Text that is no URL stays as it is. */
export function normalizedAddress(address: string): string {
  return URL.canParse(address) ? new URL(address).href : address
}
