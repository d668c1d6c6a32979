import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Trust } from '@tentacle/halibut'
import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { SettingsStore } from '../settings/settings-store.ts'
import { usableThumbprints } from './trust-servers.ts'

/** A change of settings is a few file operations: wait this long, in ms, for the last of them. */
const settleMs = 100

/** How often, in ms, the file is looked at where its changes are not announced, as on network file systems. */
const lookEveryMs = 15_000

/** Follows the trusted servers of the settings file while the agent runs. */
export interface TrustReload {
  stop(): void
}

/**
 * Takes over changes of trust without a restart: `configure --reset-trust` ends the trust at once, and cuts the
 * connections of those who lost it. Settings that cannot be read leave everything as it is.
 */
export function followTrust(store: SettingsStore, trust: Trust, log: Log): TrustReload {
  let seen: string | undefined
  let timer: NodeJS.Timeout | undefined
  const look = async (): Promise<void> => {
    const now = await fingerprint(store.path)
    if (now === seen) return
    seen = now
    try {
      applyTrust(usableThumbprints((await store.read()).trustedServers, log), trust, log)
    } catch (error) {
      log.warn(
        `The changed settings cannot be read, so the trusted servers stay as they are: ${toError(error).message}`,
      )
    }
  }
  const watcher = watchFolder(store.path, log, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void look(), settleMs)
  })
  const regularly = setInterval(() => void look(), lookEveryMs).unref()
  void look() // what changed while the agent was starting
  return {
    stop() {
      clearTimeout(timer)
      clearInterval(regularly)
      watcher?.close()
    },
  }
}

/** What changes whenever the file is written. */
async function fingerprint(path: string): Promise<string> {
  return await stat(path, { bigint: true }).then(
    ({ ino, mtimeNs, size }) => `${ino} ${mtimeNs} ${size}`,
    () => 'none',
  )
}

/** Watches the folder, not the file: the file is replaced when it is written. */
function watchFolder(path: string, log: Log, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name === null || name === basename(path)) onChange()
    })
    return watcher.on('error', error => log.debug(`The settings are not watched any more: ${error.message}`))
  } catch (error) {
    log.debug(`The settings cannot be watched: ${toError(error).message}`)
    return undefined
  }
}

function applyTrust(wanted: ReadonlySet<Trusted>, trust: Trust, log: Log): void {
  const current = new Set(trust.list())
  const added = [...wanted].filter(thumbprint => !current.has(thumbprint))
  const removed = [...current].filter(thumbprint => !wanted.has(thumbprint))
  if (added.length === 0 && removed.length === 0) return
  trust.only(wanted)
  for (const thumbprint of added)
    log.info(`Agent will trust Octopus Servers with the thumbprint: ${thumbprint}`)
  for (const thumbprint of removed) {
    log.info(`Agent does not trust Octopus Servers with the thumbprint any more: ${thumbprint}`)
  }
}

type Trusted = ReturnType<Trust['list']>[number]
