import { TentacleError } from '../../errors.ts'
import { apiOptions, readApiEndpoint } from '../../options/api-options.ts'
import { commsOptions, readCommsAddress, refuseWebSockets } from '../../options/comms-options.ts'
import { flag, type OptionTable } from '../../options/option-table.ts'
import type { ParsedOptions } from '../../options/parse-options.ts'
import { openDefaultSpace, thumbprintThrough } from '../../registration/repository.ts'
import { addOrReplace, sameThumbprint, type TrustedServer } from '../../settings/trusted-servers.ts'
import { type InstanceContext, instanceCommand } from '../command.ts'
import { demandCommsPort, withServer } from './with-server.ts'

const options = {
  ...apiOptions,
  ...commsOptions,
  reuse: flag(
    'reuse-server-thumbprint',
    'Takes the thumbprint of the server that is trusted first and asks nobody',
  ),
} as const satisfies OptionTable

type Given = Pick<ParsedOptions<typeof options>, 'nonEmpty' | 'has' | 'integer'>

/** Lets an agent that polls a server poll another node of that server too, with the same subscription. */
export const pollServer = instanceCommand({
  options,
  async run(given, context) {
    refuseWebSockets(given)
    const entry = given.has('reuse') ? await fromTrusted(given, context) : await fromServer(given, context)
    await context.settings.change(draft => draft.trust(addOrReplace(draft.trustedServers, entry)))
    context.log.info('Polling endpoint configured')
    context.restartHint()
  },
})

async function fromTrusted(given: Given, { settings }: InstanceContext): Promise<TrustedServer> {
  const { address } = readCommsAddress(given, undefined)
  const { trustedServers } = await settings.read()
  const known = trustedServers.find(isPolled) ?? trustedServers[0]
  if (known !== undefined && isPolled(known)) return { ...known, address }
  throw new TentacleError(
    'ERR_REFUSED',
    'This agent polls no server yet, so there is nothing to take over. Register it first, or use server-comms.',
  )
}

async function fromServer(given: Given, context: InstanceContext): Promise<TrustedServer> {
  const endpoint = readApiEndpoint(given)
  const comms = readCommsAddress(given, endpoint.server)
  const proxy = await (await context.settings.read()).pollingProxy()
  await demandCommsPort(comms, proxy, context)
  context.log.info(`Configuring Tentacle to poll the server at ${endpoint.server.href}`)
  const thumbprint = await withServer(endpoint, proxy, context, async api => {
    const root = await api.root()
    await openDefaultSpace(api)
    return await thumbprintThrough(api, root)
  })
  const known = await demandPolled(thumbprint, endpoint.server.hostname, context)
  return { ...known, address: comms.address }
}

async function demandPolled(
  thumbprint: string,
  host: string,
  context: InstanceContext,
): Promise<TrustedServer> {
  const { trustedServers } = await context.settings.read()
  const trusted = trustedServers.filter(server => sameThumbprint(server.thumbprint, thumbprint))
  const known = trusted.find(isPolled)
  if (known !== undefined) return known
  const { instanceArgument } = context
  throw new TentacleError(
    'ERR_REFUSED',
    trusted.length === 0
      ? `This agent does not trust the server with the thumbprint ${thumbprint} yet.\n` +
          `To trust it: 'Tentacle configure --trust="${thumbprint}"${instanceArgument}'`
      : `This agent trusts the server with the thumbprint ${thumbprint}, but does not poll it.\n` +
          `To poll it: 'Tentacle server-comms --thumbprint="${thumbprint}" --style=TentacleActive${instanceArgument} --host ${host}'`,
  )
}

function isPolled({ style, subscriptionId }: TrustedServer): boolean {
  return style === 'TentacleActive' && subscriptionId !== null
}
