import { existsSync } from 'node:fs'
import { homeFolder } from '../config/home-folder.ts'
import { checkMasterKey, createVault, loadMasterKey } from '../config/master-key.ts'
import { openDatabase } from '../db/database.ts'
import { migrations } from '../db/migrations/index.ts'
import { createStore, type Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { SecretVault } from '../model/secret.ts'
import type { User } from '../model/user.ts'

/** What commands that look into a home folder work with. */
export interface OpenHome extends AsyncDisposable {
  readonly store: Store
  readonly vault: SecretVault
}

/**
 * Opens the data of a server that was started at least once; the server may be running meanwhile. Throws `ERR_HOME` when
 * there is none in the folder.
 */
export async function openHome(folder: string, env: NodeJS.ProcessEnv): Promise<OpenHome> {
  const home = homeFolder(folder)
  if (!existsSync(home.database)) {
    throw new ServerError(
      'ERR_HOME',
      `There is no server in ${home.path} yet. Start it once with 'octopus-server run --home ${home.path}', or give another folder with --home.`,
    )
  }
  const vault = createVault(loadMasterKey(home.masterKey, env, false))
  const db = await openDatabase(home.database, migrations)
  try {
    const store = createStore(db)
    await checkMasterKey(vault, store.settings)
    return { store, vault, [Symbol.asyncDispose]: () => db.destroy() }
  } catch (error) {
    await db.destroy()
    throw error
  }
}

/** The user of this name. Throws `ERR_NOT_FOUND` listing those that there are. */
export async function requireUserNamed(store: Store, name: string): Promise<User> {
  const user = await store.users.byUsername(name)
  if (user !== undefined) return user
  const names = (await store.users.list()).items.map(each => each.username)
  throw new ServerError('ERR_NOT_FOUND', `There is no user '${name}'. Users are: ${names.join(', ')}.`)
}
