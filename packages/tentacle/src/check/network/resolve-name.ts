import { execFile } from 'node:child_process'
import { isIP } from 'node:net'
import { partCommand } from '../../program-files.ts'

/** What a name led to. */
export type Resolution =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly ms: number }
  /** The system's word, `ENOTFOUND` or `EAI_AGAIN` for example. */
  | { readonly kind: 'unknown'; readonly code: string }

/**
 * Asks the system for the addresses of a host, as connections do: hosts file, name servers and whatever else is set up.
 * A process of its own asks, because the system's call cannot be given up: a name server that is silent would keep this
 * program from ending for half a minute.
 *
 * @param host - a name or an address, without brackets; an address is its own answer.
 */
export async function resolveName(
  host: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Resolution> {
  if (isIP(host) !== 0) return { kind: 'addresses', addresses: [host], ms: 0 }
  const [program, ...args] = partCommand('name-lookup')
  const output = await new Promise<string>((resolve, reject) => {
    const options = { signal, killSignal: 'SIGKILL', env: { ...env, NODE_OPTIONS: '' } } as const
    execFile(program, [...args, host], options, (error, stdout) => {
      if (error) reject(signal.aborted ? signal.reason : error)
      else resolve(stdout)
    })
  })
  const answer: unknown = JSON.parse(output)
  if (typeof answer !== 'object' || answer === null) throw new Error(`Looking up ${host} answered ${output}.`)
  if ('addresses' in answer && Array.isArray(answer.addresses)) {
    const addresses = [...new Set(answer.addresses.filter(address => typeof address === 'string'))]
    return { kind: 'addresses', addresses, ms: 'ms' in answer ? Number(answer.ms) : 0 }
  }
  return { kind: 'unknown', code: 'code' in answer ? String(answer.code) : 'no answer' }
}
