import { TentacleError } from '../../errors.ts'
import { value } from '../../options/option-table.ts'
import { sameAddress } from '../../settings/trusted-servers.ts'
import { instanceCommand } from '../command.ts'

/** Forgets all trusted servers but those that are polled at the given addresses. Says nothing. */
export const clearTrustedServers = instanceCommand({
  options: {
    keep: value('keep', 'Addresses of polled servers that stay trusted, with commas between them'),
  },
  async run(options, { settings }) {
    const kept = (options.nonEmpty('keep') ?? '')
      .split(',')
      .filter(address => address !== '')
      .map(commsAddress)
    await settings.change(draft => {
      draft.trust(draft.trustedServers.filter(({ address }) => kept.some(keep => sameAddress(address, keep))))
    })
  },
})

/** Polling is always over TLS, whatever was typed. */
function commsAddress(typed: string): string {
  const text = typed.trim()
  if (URL.canParse(text)) return text.replace(/^http:/i, 'https:')
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `'${text}' is not an address; expected something like https://server:10943`,
  )
}
