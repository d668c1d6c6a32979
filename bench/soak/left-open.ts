/** Kinds of resources that a closed runtime or proxy must not have any more. */
const counted = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'TCPWrap', 'Timeout'])

const mostTurns = 2000

/**
 * Sockets, servers and timers of this process that are still there after everything was closed. Handles close some turns
 * of the event loop after they are told to.
 */
export async function leftOpen(): Promise<string[]> {
  const open = () => process.getActiveResourcesInfo().filter(name => counted.has(name))
  for (let turn = 0; turn < mostTurns && open().length > 0; turn++) await new Promise(setImmediate)
  return open()
}
