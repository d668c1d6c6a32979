/** Below, fresh memory is cheap. */
const worthwhileBytes = 32 * 1024

/** As large as the largest write of a connection, and the header of its frame. */
const roomBytes = 256 * 1024 + 16

/** More would rarely be used at the same time, and would never be given back to the system. */
const maximumSpares = 8

const spares: Buffer[] = []

/**
 * A buffer in which a frame with that much payload can be made, or undefined when it is not worth while. Fresh memory
 * of that size is touched for the first time by every frame, which costs more than copying and masking together.
 */
export function takeFrameRoom(payloadBytes: number): Buffer | undefined {
  if (payloadBytes < worthwhileBytes || payloadBytes > roomBytes - 16) return undefined
  return spares.pop() ?? Buffer.allocUnsafeSlow(roomBytes)
}

/** The frame has been sent: its memory may be used again. */
export function giveFrameRoom(room: Buffer): void {
  if (spares.length < maximumSpares) spares.push(room)
}
