/** A way that bytes take through a proxy: `up` from the dialler to the listener, `down` back. */
export type Direction = 'up' | 'down'

/** All directions. */
export const directions: readonly Direction[] = ['up', 'down']

/**
 * What a proxy does to one direction of one connection. Positions are counted in bytes of that direction, from the
 * first byte after TCP; what comes before the position passes as it is.
 */
export type Fault =
  /** Each chunk waits for a while. The order stays. */
  | {
      readonly kind: 'delay'
      readonly afterBytes: number
      readonly forBytes?: number
      readonly delayMs: number
    }
  /** Each byte is a write of its own. */
  | { readonly kind: 'trickle'; readonly afterBytes: number; readonly forBytes?: number }
  /**
   * `stall`: nothing more is read or forwarded in this direction, its end neither, and both sockets stay open: a cable
   * that was cut. `cut`: both sides are told that the other one ended. `half-close`: the receiver of this direction is
   * told so, the other direction goes on. `reset`: both sides get a TCP reset.
   */
  | { readonly kind: 'stall' | 'cut' | 'half-close' | 'reset'; readonly afterBytes: number }

/** What happens to one connection. A direction without a fault passes everything. */
export interface FaultPlan {
  readonly up?: Fault
  readonly down?: Fault
}
