import { TentacleError } from '../errors.ts'
import type { RunProgram } from './run-program.ts'

/** An account of this machine. */
export interface Account {
  readonly name: string
  readonly uid: number
  /** Its first group. */
  readonly gid: number
}

/**
 * Looks an account up by name or number, wherever the machine has its accounts.
 *
 * @throws TentacleError `ERR_SERVICE` when there is none of that name.
 */
export async function findAccount(name: string, run: RunProgram): Promise<Account> {
  const { exitCode, stdout } = await run('getent', ['passwd', name])
  const [found = '', , uid = '', gid = ''] = stdout.split('\n')[0]?.split(':') ?? []
  if (exitCode === 0 && found !== '' && /^\d+:\d+$/.test(`${uid}:${gid}`))
    return { name: found, uid: Number(uid), gid: Number(gid) }
  throw new TentacleError(
    'ERR_SERVICE',
    `There is no account '${name}' on this machine. Make one first, for example with 'useradd --system --shell /usr/sbin/nologin ${name}', or choose another with --username.`,
    { details: { account: name } },
  )
}
