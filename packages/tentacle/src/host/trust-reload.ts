import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Trust } from '@tentacle/halibut'
import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { SettingsStore } from '../settings/settings-store.ts'
import { usableThumbprints } from './trust-servers.ts'

/** A change of settings is a few file operations: wait this long, in ms, for the last of them. */
const settleMs = 100

/** Follows the trusted servers of the settings file while the agent runs. */
export interface TrustReload {
  stop(): void
}

/**
 * Takes over changes of trust without a restart: `configure --reset-trust` ends the trust at once, and cuts the
 * connections of those who lost it. Settings that cannot be read leave everything as it is. Where the system cannot
 * watch files the agent goes on with what it read at its start.
 */
export function followTrust(store: SettingsStore, trust: Trust, log: Log): TrustReload {
  let timer: NodeJS.Timeout | undefined
  let watcher: FSWatcher | undefined
  const reload = async (): Promise<void> => {
    try {
      applyTrust(usableThumbprints((await store.read()).trustedServers, log), trust, log)
    } catch (error) {
      log.warn(
        `The changed settings cannot be read, so the trusted servers stay as they are: ${toError(error).message}`,
      )
    }
  }
  try {
    // The folder, not the file: the file is replaced when it is written.
    watcher = watch(dirname(store.path), { persistent: false }, (_, name) => {
      if (name !== null && name !== basename(store.path)) return
      clearTimeout(timer)
      timer = setTimeout(() => void reload(), settleMs)
    })
    watcher.on('error', error => log.debug(`The settings are not watched any more: ${error.message}`))
  } catch (error) {
    log.debug(`The settings cannot be watched; changes need a restart: ${toError(error).message}`)
  }
  return {
    stop() {
      clearTimeout(timer)
      watcher?.close()
    },
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
  for (const thumbprint of removed)
    log.info(`Agent does not trust Octopus Servers with the thumbprint any more: ${thumbprint}`)
}

type Trusted = ReturnType<Trust['list']>[number]
