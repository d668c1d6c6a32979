import {
  createHalibut,
  type Halibut,
  type ServiceClient,
  type ServiceContract,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import type { OptionSpec, OptionValues, PeerIo } from '../cli/command.ts'
import {
  address,
  proxyOf,
  proxyOptions,
  requiredText,
  subscription,
  thumbprints,
  webSocketPath,
  wholeNumber,
} from '../cli/option-values.ts'
import { usageError } from '../cli/peer-error.ts'
import { readCertificateFile } from './certificate-file.ts'

/** The peer at the other end, ready to be called. */
export interface Remote {
  readonly kind: 'listening' | 'polling'
  readonly halibut: Halibut
  readonly endpoint: ServiceEndPoint
  client<S extends ServiceContract>(contract: S): ServiceClient<S>
  close(): Promise<void>
}

/** Options that say how a listening peer is reached. */
export const listeningOptions = {
  addr: { value: 'HOST:PORT', help: 'a listening peer' },
  thumb: { value: 'THUMB', help: 'its thumbprint' },
  ...proxyOptions,
} as const satisfies Record<string, OptionSpec>

/** Options that say how a polling peer reaches us. */
export const pollingOptions = {
  listen: { value: 'PORT', help: 'for a polling peer: where it connects to; 0 takes a free port' },
  trust: { value: 'THUMB[,THUMB]', help: 'its thumbprint' },
  subscription: { value: 'poll://X', help: 'its subscription' },
  websocket: { value: 'PATH', help: 'lets it connect by WebSocket as well, to wss://HOST:PORT/PATH' },
} as const satisfies Record<string, OptionSpec>

export const certificateOption = {
  cert: { value: 'F.pfx', help: 'the certificate of this side', required: true },
} as const satisfies Record<string, OptionSpec>

/** Connects to the peer that the options name: one that listens (`--addr`) or one that polls (`--listen`). */
export function openRemote(options: OptionValues, io: PeerIo): Promise<Remote> {
  if (options.has('addr') === options.has('listen')) {
    throw usageError(
      'Give --addr and --thumb for a listening peer, or --listen, --trust and --subscription for a polling one.',
    )
  }
  const isListening = options.has('addr')
  if (isListening && options.has('websocket'))
    throw usageError('--websocket is for a polling peer: it needs --listen.')
  if (!isListening && options.has('proxy'))
    throw usageError('--proxy is for a listening peer: it needs --addr.')
  return isListening ? openListening(options) : openPolling(options, io)
}

/** A peer that listens: called over pooled connections, which are opened as they are needed. */
export async function openListening(options: OptionValues): Promise<Remote> {
  const baseUri = address(options, 'addr')
  const [thumbprint] = thumbprints(options, 'thumb')
  const proxy = proxyOf(options)
  const certificate = await readCertificateFile(requiredText(options, 'cert'))
  const halibut = createHalibut({ certificate })
  return remote('listening', halibut, { baseUri, ...(thumbprint && { thumbprint }), ...proxy })
}

/** A peer that polls: it connects to the port that is opened here, and its calls wait in a queue until it does. */
export async function openPolling(options: OptionValues, io: PeerIo): Promise<Remote> {
  const port = wholeNumber(options, 'listen', { otherwise: 0, minimum: 0, maximum: 65_535 })
  requiredText(options, 'listen')
  const trust = thumbprints(options, 'trust')
  const name = subscription(options)
  const path = webSocketPath(options)
  const certificate = await readCertificateFile(requiredText(options, 'cert'))
  const halibut = createHalibut({ certificate, trust })
  try {
    const listener = await halibut.listen({ port, ...path })
    if (port === 0) io.note(`Listening on port ${listener.port}.`)
  } catch (error) {
    await halibut.close()
    throw error
  }
  return remote('polling', halibut, { baseUri: `${name}/` })
}

function remote(kind: Remote['kind'], halibut: Halibut, endpoint: ServiceEndPoint): Remote {
  return {
    kind,
    halibut,
    endpoint,
    client: contract => halibut.client(contract, endpoint),
    close: () => halibut.close(),
  }
}
