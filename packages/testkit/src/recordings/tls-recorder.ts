import type { TLSSocket } from 'node:tls'
import type { Entry } from './recording.ts'
import { type Piece, takeApart } from './take-apart.ts'
import { acceptTls, dialTls, type KeyPair } from './tls-pair.ts'

/** Between whom a recorder stands. */
export interface TlsRecorderOptions {
  /** The listener's port on the loopback. */
  readonly to: number
  /** Shown to the dialler in the listener's place, so the dialler finds the thumbprint that it expects. */
  readonly listener: KeyPair
  /** Shown to the listener in the dialler's place. */
  readonly dialler: KeyPair
  /** Sees every piece before it is forwarded. */
  readonly onPiece?: (piece: Piece) => void
}

/** Something between a dialler and a listener that ends TLS on both sides and notes what passes. */
export interface TlsRecorder {
  /** Where the dialler connects to instead of to the listener. */
  readonly port: number
  /**
   * Waits until the peers have ended all connections.
   *
   * @returns what was said: one list of entries for each connection, in the order in which they came
   */
  recording(): Promise<Entry[][]>
  /** Cuts what is left and closes the port. */
  close(): Promise<void>
}

/** Opens a recorder on a free port of the loopback. It speaks Halibut over TLS, not by WebSocket. */
export async function openTlsRecorder(options: TlsRecorderOptions): Promise<TlsRecorder> {
  const acceptor = await acceptTls(options.listener)
  const relays: Promise<Piece[]>[] = []
  const acceptNext = async (): Promise<void> => {
    for (;;) {
      const relay = relayed(await acceptor.accept(), options)
      // `recording` reports it; until then nobody listens.
      relay.catch(() => {})
      relays.push(relay)
    }
  }
  void acceptNext()
  return {
    port: acceptor.port,
    recording: async () => (await Promise.all(relays)).map(takeApart),
    async close() {
      await acceptor.close()
      await Promise.allSettled(relays)
    },
  }
}

/** One connection from its beginning to its end. */
async function relayed(
  dialler: TLSSocket,
  { to, dialler: own, onPiece }: TlsRecorderOptions,
): Promise<Piece[]> {
  const pieces: Piece[] = []
  try {
    const listener = await dialTls(to, own)
    const note = (piece: Piece) => {
      pieces.push(piece)
      onPiece?.(piece)
    }
    await Promise.all([
      forward(dialler, listener, bytes => note({ from: 'connector', bytes })),
      forward(listener, dialler, bytes => note({ from: 'acceptor', bytes })),
    ])
  } finally {
    dialler.destroy()
  }
  return pieces
}

/** Hands on what a socket receives. A socket that fails has ended: whether too early shows when it is taken apart. */
async function forward(from: TLSSocket, to: TLSSocket, note: (bytes: Buffer) => void): Promise<void> {
  from.on('error', () => {})
  try {
    for await (const bytes of from as AsyncIterable<Buffer>) {
      note(bytes)
      await written(to, bytes)
    }
    to.end()
  } catch (error) {
    to.destroy()
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

function written(socket: TLSSocket, bytes: Buffer): Promise<void> {
  return new Promise((done, failed) => {
    socket.write(bytes, error => (error ? failed(error) : done()))
  })
}
