import type { Socket } from 'node:net'
import type { ProxySettings } from '../../settings/tentacle-settings.ts'
import { hostAndPort } from './connect-tcp.ts'
import { type Answer, exchange, firstLine, hasHead, headField } from './read-answer.ts'

/** A proxy that has a host. */
export interface HttpProxySettings {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
}

/** What a proxy answered to CONNECT. */
export type TunnelOutcome =
  | { readonly kind: 'open'; readonly answered: string }
  | { readonly kind: 'credentials'; readonly answered: string; readonly schemes: readonly string[] }
  | { readonly kind: 'refused'; readonly answered: string; readonly status: number }
  /** No HTTP: another program, or none that answers. */
  | { readonly kind: 'no proxy'; readonly answered: string }

/** The proxy that polling goes through; undefined if it goes directly. */
export function pollingProxyOf({
  host,
  port,
  username,
  password,
}: ProxySettings): HttpProxySettings | undefined {
  return host === undefined ? undefined : { host, port, username, password }
}

/** Asks for a tunnel as polling does (docs/wire/halibut.md, "HTTP proxy"). */
export async function openTunnel(
  socket: Socket,
  { username = '', password = '' }: Pick<HttpProxySettings, 'username' | 'password'>,
  to: { readonly host: string; readonly port: number },
  time: { readonly silentMs: number; readonly signal: AbortSignal },
): Promise<TunnelOutcome> {
  const target = hostAndPort(to.host, to.port)
  const identity =
    username.trim() === ''
      ? ''
      : `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}\r\n`
  const request = `CONNECT ${target} HTTP/1.0\r\nHost: ${target}\r\n${identity}\r\n`
  return judge(await exchange(socket, request, hasHead, time))
}

function judge({ text, end }: Answer): TunnelOutcome {
  const answered = firstLine(text)
  const [, status = ''] = /^HTTP\/\S+ +(\d{3})/.exec(text) ?? []
  if (status === '') {
    const silence = end === 'silent' ? 'nothing in time' : 'nothing and hung up'
    return { kind: 'no proxy', answered: answered === '' ? silence : `'${answered}'` }
  }
  if (status === '200') return { kind: 'open', answered }
  if (status === '407') {
    const offered = [...text.matchAll(/^Proxy-Authenticate:[ \t]*([\w-]+)/gim)].map(
      ([, scheme = '']) => scheme,
    )
    return { kind: 'credentials', answered, schemes: offered }
  }
  const server = headField(text, 'Server')
  return {
    kind: 'refused',
    answered: server === undefined ? answered : `${answered}, by ${server}`,
    status: Number(status),
  }
}
