import { lstat, mkdir, readdir, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { TentacleError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import { fileError } from '../settings/write-file.ts'
import type { RunProgram } from './run-program.ts'
import type { Account } from './service-accounts.ts'

/** What an agent keeps in its home, and what servers put there: all of it is the account's. */
const ownedInHome = [
  'Logs',
  'Work',
  'Files',
  'Tools',
  'Calamari',
  'livez.heartbeat',
  'DeploymentJournal.xml',
  'PackageRetentionJournal.json',
]

/** What is given to the account of a service. */
export interface HandOver {
  readonly account: Account
  readonly configPath: string
  readonly home: string
  /** Where packages are installed. */
  readonly applications: string
  /** Where the index of all instances is: never given away. */
  readonly indexRoot: string
  readonly executable: string
  readonly run: RunProgram
  readonly log: Log
}

/**
 * Gives the account of a service what its agent works with: the settings file, which nobody else can read, the home with
 * what agents keep there, and a folder for packages that nobody uses yet. Other files in the home are left alone.
 * `chown` walks the folders: it follows no links that an account has put in its way.
 *
 * @throws TentacleError `ERR_SERVICE` when an owner cannot be changed, `ERR_FILE` when a folder cannot be made.
 */
export async function handOver(parts: HandOver): Promise<void> {
  const { account, configPath, home, indexRoot, executable, log } = parts
  for (const name of ['Logs', 'Work']) await makeFolder(join(home, name))
  await changeOwner('-hR', await existing(ownedInHome.map(name => join(home, name))), parts)
  await changeOwner('-h', [configPath], parts)
  if (await isShared(home, indexRoot)) {
    log.warn(
      `The home ${home} also holds what belongs to the system or to other instances, so its owner stays: ${account.name} can write logs and run scripts there, but not make other files. Give the instance a home of its own with 'Tentacle configure --home=FOLDER'.`,
    )
  } else await changeOwner('-h', [home], parts)
  await handOverApplications(parts)
  for (const path of [configPath, home, executable]) {
    const closed = await closedFolder(path, account)
    if (closed === undefined) continue
    log.warn(`The account ${account.name} may not enter ${closed}, and needs ${path}. Check its permissions.`)
  }
}

/** Other instances may use the same folder: it is given away only as long as nothing is in it. */
async function handOverApplications(parts: HandOver): Promise<void> {
  const { account, applications, log } = parts
  await makeFolder(applications)
  if ((await lstat(applications)).uid === account.uid) return
  if ((await readdir(applications)).length === 0) await changeOwner('-h', [applications], parts)
  else {
    log.warn(
      `There are packages in ${applications}, so its owner stays. Let ${account.name} write there, or choose another folder with 'Tentacle configure --app=FOLDER'.`,
    )
  }
}

async function changeOwner(how: '-h' | '-hR', paths: readonly string[], { account, run }: HandOver) {
  const { exitCode, stderr } = await run('chown', [how, '--', `${account.uid}:${account.gid}`, ...paths])
  if (exitCode === 0) return
  throw new TentacleError(
    'ERR_SERVICE',
    `The files of the instance cannot be given to ${account.name}: ${stderr.trim()}. Give them with 'chown' yourself, then try again.`,
  )
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw fileError('create', path, error)
  }
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const looks = paths.map(async path =>
    lstat(path).then(
      () => [path],
      () => [],
    ),
  )
  return (await Promise.all(looks)).flat()
}

/** Whether others depend on who owns the folder: it is near the root, holds the index, or everybody may write there. */
async function isShared(home: string, indexRoot: string): Promise<boolean> {
  const place = await realpath(home)
  const index = resolve(indexRoot, 'Tentacle', 'Instances')
  const way = relative(place, await realpath(index).catch(() => index))
  const holdsIndex = way === '' || (!way.startsWith('..') && !isAbsolute(way))
  const isSticky = ((await lstat(place)).mode & 0o1000) !== 0
  return holdsIndex || isSticky || dirname(dirname(place)) === dirname(place)
}

/** The first folder on the way to a file that is closed to an account, as far as owner and mode tell. */
async function closedFolder(path: string, { uid }: Account): Promise<string | undefined> {
  const folders: string[] = []
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
    folders.unshift(folder)
  for (const folder of folders) {
    const found = await lstat(folder).catch(() => undefined)
    if (found === undefined || found.isSymbolicLink()) continue
    const needed = found.uid === uid ? 0o100 : 0o011
    if ((found.mode & needed) === 0) return folder
  }
  return undefined
}
