import { TentacleError } from '../../errors.ts'
import { value } from '../../options/option-table.ts'
import {
  checkThumbprint,
  normalizedAddress,
  sameThumbprint,
  type TrustedServer,
} from '../../settings/trusted-servers.ts'
import { instanceCommand } from '../command.ts'

/** Puts a new thumbprint in place of an old one wherever that is trusted: the server has got a new certificate. */
export const updateTrust = instanceCommand({
  options: {
    oldThumbprint: value('oldThumbprint', 'Thumbprint that is trusted now'),
    newThumbprint: value('newThumbprint', 'Thumbprint to trust instead'),
  },
  async run(options, { settings, log, restartHint }) {
    const from = options.nonEmpty('oldThumbprint')
    const typed = options.nonEmpty('newThumbprint')
    if (from === undefined) throw missing('the thumbprint to replace', 'oldThumbprint')
    if (typed === undefined) throw missing('the thumbprint to trust', 'newThumbprint')
    const to = checkThumbprint(typed)

    const lines: string[] = []
    await settings.change(draft => {
      lines.length = 0
      draft.trust(
        draft.trustedServers.map(server => {
          const matches = sameThumbprint(server.thumbprint, from)
          lines.push(
            matches
              ? `Updating ${whichEntry(server)} ${server.thumbprint} - changing to trust ${to}`
              : `Ignoring ${whichEntry(server)} ${server.thumbprint} - does not match old thumbprint`,
          )
          return matches ? { ...server, thumbprint: to } : server
        }),
      )
    })
    log.info(`Updating Octopus servers thumbprint from ${from} to ${to}`)
    log.info(`Trusted servers with the thumbprint ${from} get the thumbprint ${to}:`)
    for (const line of lines) log.info(line)
    restartHint()
  },
})

function missing(what: string, option: string): TentacleError {
  return new TentacleError('ERR_USAGE', `Give ${what}: --${option}=THUMBPRINT`)
}

function whichEntry({ style, address }: TrustedServer): string {
  const kind = style === 'TentacleActive' ? 'polling' : 'listening'
  return `${kind} tentacle ${address === null ? '' : normalizedAddress(address)}`
}
