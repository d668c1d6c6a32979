import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { systemCode, toError } from '../errors.ts'
import { withMachineLock } from '../locking/machine-lock.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import { addToJournal, type JournalEntry, readJournal, xmlText } from './journal-xml.ts'

/**
 * The list of installations of this machine, in the file that the agent names in `TentacleJournal`
 * (docs/wire/deployment.md, section 8). Every change is made under a lock and written beside the file before it takes
 * its place, so the journal is whole at any time.
 */
export class DeploymentJournal {
  private readonly path: string
  private readonly log: DeploymentLog

  constructor(path: string, log: DeploymentLog) {
    this.path = path
    this.log = log
  }

  /** The entries, oldest first; none when there is no journal or it cannot be read, which is warned about. */
  async entries(): Promise<JournalEntry[]> {
    const text = await this.read()
    try {
      return text === undefined ? [] : readJournal(text)
    } catch (error) {
      this.log.warn(
        `The deployment journal ${this.path} cannot be read and is left out of account: ${toError(error).message}.`,
      )
      return []
    }
  }

  /** Adds an installation. A journal that cannot be read is put aside under another name, not lost. */
  async add(entry: Omit<JournalEntry, 'id'>): Promise<void> {
    const added: JournalEntry = clean({ ...entry, id: randomUUID() })
    await withMachineLock(`journal ${this.path}`, async () => {
      await this.write(await this.extended(added))
    })
  }

  private async extended(entry: JournalEntry): Promise<string> {
    const text = await this.read()
    try {
      return addToJournal(text, entry)
    } catch (error) {
      const aside = `${this.path}.damaged-${entry.id}`
      await rename(this.path, aside)
      this.log.warn(
        `The deployment journal could not be read (${toError(error).message}). It is kept as ${aside}; a new one is started.`,
      )
      return addToJournal(undefined, entry)
    }
  }

  private async read(): Promise<string | undefined> {
    try {
      return await readFile(this.path, 'utf8')
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  private async write(text: string): Promise<void> {
    const beside = `${this.path}.${randomUUID()}.new`
    try {
      await writeFile(beside, text, { flush: true })
      await rename(beside, this.path)
    } finally {
      await rm(beside, { force: true })
    }
  }
}

function clean(entry: JournalEntry): JournalEntry {
  return {
    ...entry,
    environmentId: xmlText(entry.environmentId),
    tenantId: xmlText(entry.tenantId),
    projectId: xmlText(entry.projectId),
    retentionPolicySet: xmlText(entry.retentionPolicySet),
    extractedTo: xmlText(entry.extractedTo),
    customFolder: xmlText(entry.customFolder),
    packages: entry.packages.map(item => ({
      id: xmlText(item.id),
      version: xmlText(item.version),
      deployedFrom: xmlText(item.deployedFrom),
    })),
  }
}
