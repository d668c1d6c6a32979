import type { Halibut, HalibutListener } from '@tentacle/halibut'
import { systemCode, TentacleError, toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { TentacleSettings } from '../settings/tentacle-settings.ts'
import { halibutLine } from './halibut-log.ts'

/** An open port with the words for it. */
export interface AgentListener {
  close(): Promise<void>
}

/**
 * Opens the port for servers, unless the agent is set not to.
 *
 * @throws TentacleError `ERR_LISTEN` with what to do: the port is taken, needs rights, or the address is not here.
 */
export async function listenForServers(
  halibut: Pick<Halibut, 'listen'>,
  settings: TentacleSettings,
  log: Log,
): Promise<AgentListener | undefined> {
  if (settings.noListen) {
    log.info('Agent will not listen on any TCP ports')
    return undefined
  }
  const listener = await open(halibut, settings)
  const where = `${bracketed(listener.address)}:${listener.port}`
  log.info(halibutLine(`listen://${where}/`, 'Listener started'))
  log.info(`Agent listening on: ${where}`)
  return {
    async close() {
      await listener.close()
      log.info(halibutLine(`listen://${where}/`, 'Listener stopped'))
    },
  }
}

async function open(halibut: Pick<Halibut, 'listen'>, settings: TentacleSettings): Promise<HalibutListener> {
  const { port, listenIp } = settings
  try {
    return await halibut.listen(listenIp === undefined ? { port } : { port, host: listenIp })
  } catch (cause) {
    throw new TentacleError('ERR_LISTEN', explain(cause, port, listenIp), {
      details: { port, listenIp },
      cause,
    })
  }
}

function explain(cause: unknown, port: number, listenIp: string | undefined): string {
  const where = listenIp === undefined ? `Port ${port}` : `Port ${port} of ${listenIp}`
  switch (systemCode(toError(cause).cause) ?? systemCode(cause)) {
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

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
