import { userInfo } from 'node:os'
import { join } from 'node:path'
import {
  CapabilitiesServiceV2,
  FileTransferService,
  ResumableFileTransferService,
  ScriptService,
  ScriptServiceV2,
  shuttingDownMessage,
} from '@tentacle/contracts'
import {
  type HostedService,
  type HostOptions,
  host,
  type ServiceContract,
  type ServiceImplementation,
} from '@tentacle/halibut'
import { TentacleError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import { deleteDeadKeepers, KeeperClient } from '../processes/keeper-client.ts'
import { openProcessTable, type ProcessTable } from '../processes/process-table.ts'
import type { PageLimits } from '../script-log/log-walk.ts'
import { createTextMask } from '../script-log/text-mask.ts'
import type { Bell } from '../scripts/bell.ts'
import { IsolationLocks } from '../scripts/isolation-locks.ts'
import { type ScriptCensus, ScriptEngine } from '../scripts/script-engine.ts'
import { environmentOfScripts, type ScriptEnvironment } from '../scripts/script-environment.ts'
import type { ScriptObserver } from '../scripts/script-observer.ts'
import type { Clock } from '../scripts/script-parts.ts'
import { openShells } from '../shells/script-shells.ts'
import { Uploads } from '../transfer/uploads.ts'
import { DiskFlush, type Sync } from '../workspaces/disk-flush.ts'
import { type FreeSpace, freeSpaceOf } from '../workspaces/disk-space.ts'
import { workFolder } from '../workspaces/script-workspace.ts'
import {
  cleanerTimes,
  createWorkspaceCleaner,
  type WorkspaceCleaner,
} from '../workspaces/workspace-cleaner.ts'
import { createCapabilitiesService } from './capabilities-service.ts'
import { createFileTransferService } from './file-transfer-service.ts'
import { createResumableTransferService } from './resumable-transfer-service.ts'
import { createScriptService } from './script-service.ts'
import { createScriptServiceV2 } from './script-service-v2.ts'

/**
 * How much of its log one answer may have. Callers pause between their questions, longer each time (the original's up to
 * 5 s), so there must be few of them, however much a script prints; but who takes an answer apart needs a kilobyte for
 * each entry.
 */
const pageLimits: PageLimits = { characters: 32 * 1024 * 1024, entries: 150_000 }

export interface ScriptServicesOptions {
  /** The instance's home; workspaces are in its folder `Work`. Absolute. */
  readonly home: string
  /** The default folder of deployed applications, told to scripts. */
  readonly applications: string | undefined
  readonly environment: ScriptEnvironment
  readonly log: Log
  /** Blotted out of what scripts print: in any length, so leave out what is no secret. */
  readonly secrets?: Iterable<string>
  readonly clock?: Clock
  /** Default: those of this system. */
  readonly processes?: ProcessTable
  readonly freeSpace?: FreeSpace
  /** How, and how long after its end, a script is brought to the disk. Default: `fsync`, after 1 s. */
  readonly flush?: { readonly sync?: Sync; readonly delayMs?: number }
  /** How many shells wait for the next script, while there are scripts at all. Default 2. */
  readonly waitingShells?: number
  /** How long the keeper is kept without scripts, in milliseconds. Default 10 minutes. */
  readonly keeperIdleMs?: number
  /** How this program is started as keeper, where it is not run from source. */
  readonly keeperCommand?: readonly string[]
  /** Default: 100 ms, then every 10 minutes. */
  readonly waitNotice?: { readonly firstMs: number; readonly repeatMs: number }
  /** How long a cancelled script has between SIGTERM and SIGKILL, in milliseconds. Default 5 s; 0: SIGKILL at once. */
  readonly cancelGraceMs?: number
  /** How much log one answer may have, where it is not {@link pageLimits}. */
  readonly pageLimits?: Partial<PageLimits>
  /** The PowerShell of Windows. Default: the one that is part of Windows. */
  readonly powerShell?: string | undefined
  /** Hears what becomes of the scripts. Default: nobody does. */
  readonly observer?: ScriptObserver | undefined
}

/** The services of an agent. They share workspaces and isolation mutexes. */
export interface ScriptServices {
  readonly scripts: ServiceImplementation<typeof ScriptService>
  readonly scriptsV2: ServiceImplementation<typeof ScriptServiceV2>
  readonly capabilities: ServiceImplementation<typeof CapabilitiesServiceV2>
  readonly files: ServiceImplementation<typeof FileTransferService>
  readonly resumableFiles: ServiceImplementation<typeof ResumableFileTransferService>
  /** All five for a Halibut runtime. While the services stop, calls are answered with what callers know as that. */
  readonly hosted: readonly HostedService[]
  /** Not started: the host decides when. {@link stop} does not stop it either. */
  readonly cleaner: WorkspaceCleaner
  /** How many scripts wait and run at this moment. */
  readonly census: () => ScriptCensus
  /** Lets go of everything. Scripts that run go on, and the next agent of this home takes them up. */
  stop(): Promise<void>
}

/**
 * Opens the services of a home and takes up what an earlier agent has left there: running scripts are followed on,
 * waiting ones wait again, and those that ended meanwhile are completed. One at a time for each home.
 *
 * @throws TentacleError `ERR_PLATFORM` on a system where scripts cannot be run
 */
export async function createScriptServices(options: ScriptServicesOptions): Promise<ScriptServices> {
  const { home, applications, environment, log, secrets = [], freeSpace = freeSpaceOf } = options
  const clock = options.clock ?? { now: () => new Date() }
  const table = options.processes ?? openProcessTable()
  const bells = new Map<string, Bell>()
  const keepers = join(workFolder(home), '.keepers')
  const variables = environmentOfScripts(home, applications, environment)
  await deleteDeadKeepers(keepers, table)
  const keeper = new KeeperClient(
    {
      folder: keepers,
      environment: variables,
      waitingShells: options.waitingShells ?? 2,
      idleMs: options.keeperIdleMs ?? 600_000,
      ...(options.keeperCommand && { command: options.keeperCommand }),
    },
    runFolder => {
      if (runFolder !== undefined) bells.get(runFolder)?.ring()
      else for (const bell of bells.values()) bell.ring()
    },
  )
  const parts = {
    table,
    shells: openShells({ environment: variables, powerShell: options.powerShell }),
    keeper,
    bells,
    clock,
    log,
    locks: new IsolationLocks(clock.now),
    mask: createTextMask(secrets),
    flush: new DiskFlush(options.flush),
    user: accountName(),
    waitNotice: options.waitNotice ?? { firstMs: 100, repeatMs: 600_000 },
    cancelGraceMs: options.cancelGraceMs ?? 5000,
    pageLimits: { ...pageLimits, ...options.pageLimits },
  }
  const engine = await ScriptEngine.open({
    home,
    parts,
    freeSpace,
    freeUp: () => cleaner.clean(),
    observer: options.observer,
  })
  const uploads = new Uploads({ home, freeSpace })
  const cleaner = createWorkspaceCleaner({
    home,
    isActive: ticket => engine.isActive(ticket),
    forget: ticket => engine.complete(ticket),
    log,
    now: clock.now,
    cleanMore: () => uploads.clean(clock.now, log),
    ...cleanerTimes(environment.inherited),
  })
  return servicesOf(options, engine, cleaner, keeper, uploads, parts.flush)
}

function servicesOf(
  { home, freeSpace = freeSpaceOf, clock }: ScriptServicesOptions,
  engine: ScriptEngine,
  cleaner: WorkspaceCleaner,
  keeper: KeeperClient,
  uploads: Uploads,
  flush: DiskFlush,
): ScriptServices {
  const now = clock?.now ?? (() => new Date())
  const scripts = createScriptService(engine, now)
  const scriptsV2 = createScriptServiceV2(engine)
  const capabilities = createCapabilitiesService(() => keeper.warmUp())
  const files = createFileTransferService({ home, freeSpace })
  const resumableFiles = createResumableTransferService(home, uploads)
  let isStopping = false
  const whileOpen = <S extends ServiceContract>(
    contract: S,
    service: ServiceImplementation<S>,
    hosting: HostOptions<S> = {},
  ) => {
    const open = () => {
      if (isStopping) throw new TentacleError('ERR_STOPPING', shuttingDownMessage)
      return service
    }
    return host(contract, open, hosting)
  }
  return {
    scripts,
    scriptsV2,
    capabilities,
    files,
    resumableFiles,
    hosted: [
      whileOpen(ScriptService, scripts),
      whileOpen(ScriptServiceV2, scriptsV2),
      whileOpen(CapabilitiesServiceV2, capabilities),
      // Uploads go to their place as they arrive, not to a temporary file first.
      whileOpen(FileTransferService, files, { liveStreams: ['uploadFile'] }),
      whileOpen(ResumableFileTransferService, resumableFiles, { liveStreams: ['uploadPart'] }),
    ],
    cleaner,
    census: () => engine.census(),
    async stop() {
      isStopping = true
      await engine.close()
      await keeper.close()
      await flush.close()
    },
  }
}

function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}` // an account without an entry, as in many containers
  }
}
