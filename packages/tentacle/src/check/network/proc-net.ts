import { readdir, readFile, readlink } from 'node:fs/promises'

/** One TCP socket of this machine. */
export interface TcpSocket {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly state: 'listening' | 'connected' | 'other'
  /** Names the socket among the files of its process. */
  readonly inode: string
}

/** All TCP sockets of this machine (proc(5)); undefined where the system does not tell. */
export async function tcpSockets(root = '/proc'): Promise<readonly TcpSocket[] | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map(name => readFile(`${root}/net/${name}`, 'latin1').catch(() => undefined)),
  )
  if (tables.every(table => table === undefined)) return undefined
  return tables.flatMap(table => parseTable(table ?? ''))
}

/** The inodes of the sockets that a process has; undefined if this account may not know. */
export async function socketInodes(
  pid: number | 'self',
  root = '/proc',
): Promise<ReadonlySet<string> | undefined> {
  try {
    const folder = `${root}/${pid}/fd`
    const links = await Promise.all(
      (await readdir(folder)).map(fd => readlink(`${folder}/${fd}`).catch(() => '')),
    )
    return new Set(links.flatMap(link => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  } catch {
    return undefined
  }
}

/** The command lines of all processes that this account may see. */
export async function commandLines(
  root = '/proc',
): Promise<readonly { readonly pid: number; readonly argv: readonly string[] }[]> {
  const pids = await readdir(root).then(
    names => names.filter(name => /^\d+$/.test(name)),
    () => [],
  )
  return await Promise.all(
    pids.map(async pid => {
      const text = await readFile(`${root}/${pid}/cmdline`, 'utf8').catch(() => '')
      return { pid: Number(pid), argv: text.split('\0').slice(0, -1) }
    }),
  )
}

function parseTable(table: string): TcpSocket[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
      const [localEnd, remoteEnd] = [parseEnd(local), parseEnd(remote)]
      if (localEnd === undefined || remoteEnd === undefined) return []
      return [
        {
          localAddress: localEnd.address,
          localPort: localEnd.port,
          remoteAddress: remoteEnd.address,
          remotePort: remoteEnd.port,
          state: state === '0A' ? 'listening' : state === '01' ? 'connected' : 'other',
          inode,
        } as const,
      ]
    })
}

/** `0100007F:2AB5`: words of four bytes, each turned around. */
function parseEnd(text: string): { address: string; port: number } | undefined {
  const [, hex = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text) ?? []
  if (hex === '') return undefined
  const bytes = Buffer.from(hex, 'hex')
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse()
  return { address: bytes.length === 4 ? bytes.join('.') : shortIpv6(bytes), port: Number.parseInt(port, 16) }
}

/** IPv4 within IPv6 is shown as IPv4; everything else in the usual short form. */
function shortIpv6(bytes: Buffer): string {
  if (bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex')))
    return bytes.subarray(12).join('.')
  const words = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  return new URL(`http://[${words.join(':')}]/`).hostname.slice(1, -1)
}
