import type { CommsAddress } from '../../registration/comms-address.ts'
import { checkCommsPort } from '../../registration/handshake.ts'
import { signIn } from '../../registration/repository.ts'
import type { ProxySettings } from '../../settings/tentacle-settings.ts'
import { ApiClient } from '../../web-api/api-client.ts'
import type { ApiEndpoint } from '../../web-api/api-endpoint.ts'
import { createWebDispatcher } from '../../web-api/web-dispatcher.ts'
import type { InstanceContext } from '../command.ts'

/** Signs in to the web API, does something there and closes all connections, whatever happens. */
export async function withServer<T>(
  endpoint: ApiEndpoint,
  proxy: ProxySettings,
  context: InstanceContext,
  action: (api: ApiClient) => Promise<T>,
): Promise<T> {
  const { machine, log, signal } = context
  context.keepSecret(proxy.password)
  const dispatcher = createWebDispatcher({
    ignoreSslErrors: endpoint.ignoreSslErrors,
    proxy,
    env: machine.env,
    onIgnoredCertificate(problem) {
      log.warn(`The HTTPS certificate of ${endpoint.server.host} cannot be verified: ${problem}.`)
      log.warn('It is accepted because of --ignoreSslErrors.')
    },
  })
  try {
    const api = new ApiClient(endpoint, {
      dispatcher,
      signal,
      patience: { limitMs: machine.patience.serverStartMs, pauseMs: machine.patience.serverStartPauseMs },
    })
    await signIn(api, endpoint.credentials, endpoint.server)
    return await action(api)
  } finally {
    await dispatcher.destroy()
  }
}

/** Tries the port for agents, telling what happens: without it, registering a polling agent makes no sense. */
export async function demandCommsPort(
  { address, port }: CommsAddress,
  proxy: ProxySettings,
  { machine, log, signal }: InstanceContext,
): Promise<void> {
  log.info(`Checking connectivity on the server communications port ${port}...`)
  const dispatcher = createWebDispatcher({
    ignoreSslErrors: true,
    proxy,
    env: machine.env,
    onIgnoredCertificate: () => undefined,
  })
  try {
    await checkCommsPort({
      address,
      dispatcher,
      signal,
      pauseMs: machine.patience.handshakePauseMs,
      onRetry: (attempt, of, message) =>
        log.warn(`Attempt ${attempt} of ${of} failed: ${message}. Trying again.`),
    })
  } finally {
    await dispatcher.destroy()
  }
  log.info('Connected successfully')
}
