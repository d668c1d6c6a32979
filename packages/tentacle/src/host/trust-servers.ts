import { parseThumbprint, type Thumbprint } from '@tentacle/halibut'
import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { SettingsStore } from '../settings/settings-store.ts'
import type { TentacleSettings } from '../settings/tentacle-settings.ts'
import { addOrReplace, type TrustedServer } from '../settings/trusted-servers.ts'

/**
 * Reads whom to obey, and says so. Entries without a style, from set-up programs of old, become listening ones if the
 * agent listens, and are stored so.
 */
export async function trustServers(store: SettingsStore, log: Log): Promise<TentacleSettings> {
  const settings = await fixStyles(store, await store.read(), log)
  const servers = settings.trustedServers
  for (const { thumbprint } of servers)
    log.info(`Agent will trust Octopus Servers with the thumbprint: ${thumbprint}`)
  if (servers.length === 0) log.info('The agent is not configured to trust any Octopus Servers.')
  return settings
}

/** The thumbprints that count. What is none is reported and trusts nobody. */
export function usableThumbprints(servers: readonly TrustedServer[], log: Log): Set<Thumbprint> {
  const usable = new Set<Thumbprint>()
  for (const { thumbprint } of servers) {
    const parsed = usableThumbprint(thumbprint)
    if (parsed === undefined)
      log.warn(`The trusted thumbprint '${thumbprint}' is not one, so it lets nobody in.`)
    else usable.add(parsed)
  }
  return usable
}

/** A stored thumbprint in the spelling of the protocol; undefined if it is none. */
export function usableThumbprint(text: string): Thumbprint | undefined {
  try {
    return parseThumbprint(text)
  } catch {
    return undefined
  }
}

async function fixStyles(
  store: SettingsStore,
  settings: TentacleSettings,
  log: Log,
): Promise<TentacleSettings> {
  const unstyled = settings.trustedServers.filter(({ style }) => style === 'None')
  if (unstyled.length === 0 || settings.noListen) return settings
  for (const { thumbprint } of unstyled) log.info(`Fixed communication style for: ${thumbprint}`)
  try {
    return await store.change(draft => {
      const fixed = unstyled.reduce<readonly TrustedServer[]>(
        (servers, server) => addOrReplace(servers, { ...server, style: 'TentaclePassive' }),
        draft.trustedServers,
      )
      draft.trust(fixed)
    })
  } catch (error) {
    log.warn(
      `That could not be stored, so it will be done again at the next start: ${toError(error).message}`,
    )
    return settings
  }
}
