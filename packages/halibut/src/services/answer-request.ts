import type { DataStream } from '../contract/data-stream.ts'
import type { CallContext } from '../contract/service-contract.ts'
import type { Connection } from '../exchange/connection.ts'
import type { IncomingRequest } from '../messages/request.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import type { Dispatcher } from './dispatcher.ts'

/** Who calls. */
export interface Caller {
  readonly thumbprint: Thumbprint
  readonly remoteAddress: string
}

/**
 * Receives the streams of a request, runs it and sends the response. The method runs to its end even if the caller
 * goes away, unless it listens to its signal. Fails when the connection is of no use any more.
 */
export async function answerRequest(
  connection: Connection,
  request: IncomingRequest,
  dispatcher: Dispatcher,
  caller: Caller,
): Promise<void> {
  const { streams, isLive, run } = dispatcher.plan(request)
  const live = isLive && streams.length > 0 ? connection.incoming(streams) : undefined
  if (live) live.goLive()
  else await connection.receiveStreams(streams)
  const context = new RequestContext(connection, caller)
  try {
    const response = await run(context)
    await live?.finish()
    // Before the answer where that is possible: whoever has it may count on the room being free.
    if (response.streams.length === 0) await disposeOf(streams)
    await connection.send(response)
  } finally {
    context.dispose()
    await disposeOf(streams)
  }
}

async function disposeOf(streams: readonly DataStream[]): Promise<void> {
  for (const stream of streams) await stream.dispose()
}

/** The signal is made when a method asks for it: most never do. */
class RequestContext implements CallContext {
  readonly thumbprint: Thumbprint
  readonly remoteAddress: string
  readonly #connection: Connection
  #abort: AbortController | undefined
  #stopListening: (() => void) | undefined

  constructor(connection: Connection, { thumbprint, remoteAddress }: Caller) {
    this.#connection = connection
    this.thumbprint = thumbprint
    this.remoteAddress = remoteAddress
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    const abort = this.#abort
    this.#stopListening ??= this.#connection.source.onEnd(failure => abort.abort(failure))
    return abort.signal
  }

  dispose(): void {
    this.#stopListening?.()
  }
}
