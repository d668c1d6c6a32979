import type { Socket } from 'node:net'
import { HalibutError } from '../errors.ts'
import type { HttpProxy, ListeningAddress } from './endpoint.ts'

/** How long the proxy may think, for each piece of its answer. */
const answerTimeoutMs = 15_000

/** And for all of it: a proxy must not hold a caller by a byte now and then. */
const wholeAnswerTimeoutMs = 60_000

const maximumAnswerBytes = 16 * 1024

/**
 * Asks an HTTP proxy for a tunnel (docs/wire/halibut.md, "HTTP proxy"). The name goes to the proxy unresolved.
 *
 * @param socket connected to the proxy; afterwards it is connected to the address
 * @throws HalibutError `ERR_CONNECT`
 */
export async function openTunnel(socket: Socket, proxy: HttpProxy, to: ListeningAddress): Promise<void> {
  const host = to.host.includes(':') ? `[${to.host}]` : to.host
  socket.write(connectRequest(`${host}:${to.port}`, proxy))
  const answer = await readAnswer(socket, proxy)
  const [statusLine = ''] = answer.split('\r\n', 1)
  const [, status] = /^HTTP\/\S+ +(\d{3})/.exec(statusLine) ?? []
  if (status === '200') return
  const hint = status === '407' ? ' Check the user name and password for the proxy.' : ''
  throw refused(proxy, `it answered ${JSON.stringify(statusLine.slice(0, 200))}.${hint}`, true)
}

function connectRequest(target: string, { userName = '', password = '' }: HttpProxy): string {
  const lines = [`CONNECT ${target} HTTP/1.0`, `Host: ${target}`]
  if (userName.trim() !== '') {
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Reads up to the empty line. Nothing can follow it: the far side speaks only after the TLS greeting. */
function readAnswer(socket: Socket, proxy: HttpProxy): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const finish = (outcome: string | HalibutError) => {
      clearTimeout(timer)
      clearTimeout(deadline)
      socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onEnd).pause()
      if (typeof outcome === 'string') resolve(outcome)
      else reject(outcome)
    }
    const onData = (chunk: Buffer) => {
      timer.refresh()
      answer += chunk.toString('latin1')
      if (answer.endsWith('\r\n\r\n')) finish(answer)
      else if (answer.includes('\r\n\r\n')) finish(refused(proxy, 'it sent more than an answer.'))
      else if (answer.length > maximumAnswerBytes) finish(refused(proxy, 'its answer does not end.'))
    }
    const onEnd = () => finish(refused(proxy, 'it hung up.'))
    const onError = (error: Error) => finish(refused(proxy, `the connection broke: ${error.message}.`))
    const timer = setTimeout(() => finish(refused(proxy, 'it does not answer.')), answerTimeoutMs)
    const deadline = setTimeout(
      () => finish(refused(proxy, 'its answer takes too long.')),
      wholeAnswerTimeoutMs,
    )
    socket.on('data', onData).once('end', onEnd).once('error', onError).once('close', onEnd)
  })
}

/** @param isRefusedByProxy it works, but does not want to: trying again is of no use to callers */
function refused(proxy: HttpProxy, problem: string, isRefusedByProxy = false): HalibutError {
  return new HalibutError('ERR_CONNECT', `The proxy ${proxy.host}:${proxy.port} made no tunnel: ${problem}`, {
    details: { proxy: `${proxy.host}:${proxy.port}`, isRefusedByProxy },
  })
}
