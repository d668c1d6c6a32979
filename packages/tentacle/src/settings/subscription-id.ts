import { randomInt } from 'node:crypto'
import { sameAddress, sameThumbprint, type TrustedServer } from './trusted-servers.ts'

/** Characters that are not mistaken for each other and spell no words. */
const alphabet = 'bcdefghjklmnpqrstuvwxyz23456789'
const length = 20

/** A name under which a server can know a polling agent: `poll://` and 20 random characters. */
export function newSubscriptionId(): string {
  const id = Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  return `poll://${id}/`
}

/** The subscription that is in use for this address, so that registering again does not make a second machine. */
export function subscriptionForAddress(
  servers: readonly TrustedServer[],
  address: string,
): string | undefined {
  return polled(servers).find(server => sameAddress(server.address, address))?.subscriptionId ?? undefined
}

/** The subscription that is in use for any node of the server with this thumbprint. */
export function subscriptionForThumbprint(
  servers: readonly TrustedServer[],
  thumbprint: string,
): string | undefined {
  return (
    polled(servers).find(server => sameThumbprint(server.thumbprint, thumbprint))?.subscriptionId ?? undefined
  )
}

function polled(servers: readonly TrustedServer[]): readonly TrustedServer[] {
  return servers.filter(({ style, subscriptionId }) => style === 'TentacleActive' && subscriptionId !== null)
}
