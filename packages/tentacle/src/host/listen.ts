import type { Halibut, HalibutListener } from '@tentacle/halibut'
import { HalibutError } from '@tentacle/halibut'
import { systemCode, TentacleError, toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { TentacleSettings } from '../settings/tentacle-settings.ts'

/**
 * Opens the port for servers, unless the agent is set not to.
 *
 * @throws TentacleError `ERR_LISTEN` with what to do: the port is taken, needs rights, or the address is not here.
 */
export async function listenForServers(
  halibut: Pick<Halibut, 'listen'>,
  settings: TentacleSettings,
  log: Log,
): Promise<HalibutListener | undefined> {
  if (settings.noListen) {
    log.info('Agent will not listen on any TCP ports')
    return undefined
  }
  const { port, listenIp } = settings
  try {
    const listener = await halibut.listen(listenIp === undefined ? { port } : { port, host: listenIp })
    log.info(`Agent listening on: ${bracketed(listener.address)}:${listener.port}`)
    return listener
  } catch (cause) {
    throw new TentacleError('ERR_LISTEN', explain(cause, port, listenIp), {
      details: { port, listenIp },
      cause,
    })
  }
}

function explain(cause: unknown, port: number, listenIp: string | undefined): string {
  const where = listenIp === undefined ? `Port ${port}` : `Port ${port} of ${listenIp}`
  switch (reasonOf(cause)) {
    case 'EADDRINUSE':
      return `${where} is used by another program. Stop that, or choose another port with 'Tentacle configure --port=NUMBER'.`
    case 'EACCES':
      return `${where} may not be opened by this account. Choose a port from 1024 on with 'Tentacle configure --port=NUMBER', or run as root.`
    case 'EADDRNOTAVAIL':
      return `This machine does not have the address ${listenIp}. Choose another with 'Tentacle configure --listenIpAddress=ADDRESS'.`
    default:
      return `${where} cannot be opened: ${toError(cause).message}`
  }
}

function reasonOf(thrown: unknown): unknown {
  return thrown instanceof HalibutError ? thrown.details.systemCode : systemCode(thrown)
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
