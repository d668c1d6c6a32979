import { TentacleError } from '../../errors.ts'
import { type OptionTable, value } from '../../options/option-table.ts'
import type { ParsedOptions } from '../../options/parse-options.ts'
import { defaultCommsPort } from '../../settings/settings-keys.ts'
import { newSubscriptionId, subscriptionForThumbprint } from '../../settings/subscription-id.ts'
import {
  addOrReplace,
  listeningEntry,
  parseStyle,
  sameAddress,
  sameThumbprint,
  type TrustedServer,
} from '../../settings/trusted-servers.ts'
import { instanceCommand } from '../command.ts'

const options = {
  thumbprint: value('thumbprint', 'Thumbprint of the server; may be left out if only one is trusted'),
  style: value(
    'style',
    'TentaclePassive: the server connects to this agent. TentacleActive: this agent polls it',
  ),
  host: value('host', 'Host name of the server to poll'),
  port: value('port', `Port of the server to poll; ${defaultCommsPort} if none is given`),
  webSocket: value(
    'web-socket',
    'Address of a web socket of the server to poll, wss://…, in place of host and port',
  ),
} as const satisfies OptionTable

type Given = Pick<ParsedOptions<typeof options>, 'text' | 'nonEmpty' | 'integer'>

/** Sets by hand how a trusted server and this agent meet. Nobody is asked; the thumbprint must be trusted already. */
export const serverComms = instanceCommand({
  options,
  async run(given, { settings, log, restartHint }) {
    const style = parseStyle(given.text('style') ?? '')
    if (style !== 'TentaclePassive' && style !== 'TentacleActive') {
      throw new TentacleError(
        'ERR_USAGE',
        'Give the style, --style=TentaclePassive or --style=TentacleActive',
      )
    }
    const address = style === 'TentacleActive' ? pollingAddress(given) : null
    await settings.change(draft => {
      const servers = draft.trustedServers
      const thumbprint = chooseThumbprint(servers, given.nonEmpty('thumbprint'))
      draft.trust(
        address === null
          ? addOrReplace(servers, listeningEntry(thumbprint))
          : poll(servers, thumbprint, address),
      )
    })
    log.info('Updated server communications configuration')
    restartHint()
  },
})

function chooseThumbprint(servers: readonly TrustedServer[], wanted: string | undefined): string {
  const known = servers.find(server => wanted === undefined || sameThumbprint(server.thumbprint, wanted))
  if (servers.length === 0 || known === undefined) {
    throw new TentacleError(
      'ERR_USAGE',
      `This agent trusts no server${wanted === undefined ? '' : ` with the thumbprint ${wanted}`} yet. ` +
        "Run 'Tentacle configure --trust=THUMBPRINT' first.",
    )
  }
  if (wanted === undefined && servers.some(server => !sameThumbprint(server.thumbprint, known.thumbprint))) {
    throw new TentacleError(
      'ERR_USAGE',
      'Several servers are trusted; say which one is meant: --thumbprint=THUMBPRINT',
    )
  }
  return known.thumbprint
}

function poll(servers: readonly TrustedServer[], thumbprint: string, address: string): TrustedServer[] {
  const mine = servers.filter(server => sameThumbprint(server.thumbprint, thumbprint))
  const known =
    mine.find(server => sameAddress(server.address, address)) ?? mine.find(({ style }) => style === 'None')
  const subscriptionId = subscriptionForThumbprint(servers, thumbprint) ?? newSubscriptionId()
  const others = servers.filter(server => server !== known)
  return addOrReplace(others, {
    thumbprint,
    style: 'TentacleActive',
    address,
    squid: known?.squid ?? null,
    subscriptionId,
  })
}

function pollingAddress(given: Given): string {
  const [host, webSocket] = [given.nonEmpty('host'), given.nonEmpty('webSocket')]
  const port = given.integer('port') ?? defaultCommsPort
  if (host !== undefined && webSocket !== undefined) {
    throw new TentacleError('ERR_USAGE', 'Give either --host or --web-socket: a server is polled in one way.')
  }
  if (webSocket !== undefined) return webSocketAddress(webSocket)
  if (host === undefined) {
    throw new TentacleError(
      'ERR_USAGE',
      'Say where the server is polled: --host=NAME, or --web-socket=wss://…',
    )
  }
  const address = `https://${host}:${port}`
  if (/[/\\@?#\s]/.test(host) || !URL.canParse(address)) {
    throw new TentacleError(
      'ERR_USAGE',
      `'${host}' is not the name of a host. Give a name or an IP address, and --port.`,
    )
  }
  return address
}

function webSocketAddress(typed: string): string {
  const url = URL.canParse(typed) ? new URL(typed) : undefined
  if (url?.protocol === 'wss:') return typed
  if (url?.protocol === 'https:')
    return `wss://${url.hostname}:${url.port || 443}${url.pathname}${url.search}`
  throw new TentacleError(
    'ERR_USAGE',
    `'${typed}' is not the address of a web socket: it must start with wss://`,
  )
}
