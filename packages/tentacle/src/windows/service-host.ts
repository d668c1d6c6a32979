import type { ServiceNotifier } from '../host/service-notifier.ts'
import { asHandle, asNumber, isTrue, koffi, once, openLibrary, windowsError } from './koffi.ts'
import { listProcesses } from './process-snapshot.ts'

/** The agent as Windows runs it: what is said to Windows, and what Windows says. */
export interface WindowsService extends ServiceNotifier {
  /** Aborted when Windows wants the service to end, because somebody stops it or the machine shuts down. */
  readonly stopRequest: AbortSignal
  /**
   * Tells that the service has ended. Nothing can be said after that.
   *
   * @param exitCode - what Windows keeps of it; anything but 0 is a failure, after which it may be started again
   */
  stopped(exitCode: number): Promise<void>
}

const api = once(() => {
  const library = koffi()
  const main = library.proto('void __stdcall ServiceMain(uint32_t count, void *names)')
  const handler = library.proto(
    'uint32_t __stdcall ServiceHandler(uint32_t control, uint32_t event, void *data, void *context)',
  )
  library.struct('SERVICE_TABLE_ENTRY', { name: 'const char16_t *', main: library.pointer(main) })
  library.struct('SERVICE_STATUS', {
    type: 'uint32_t',
    state: 'uint32_t',
    accepted: 'uint32_t',
    exitCode: 'uint32_t',
    ownExitCode: 'uint32_t',
    checkPoint: 'uint32_t',
    waitHint: 'uint32_t',
  })
  const declare = openLibrary('advapi32.dll')
  return {
    mainType: library.pointer(main),
    handlerType: library.pointer(handler),
    dispatch: declare('int __stdcall StartServiceCtrlDispatcherW(SERVICE_TABLE_ENTRY *table)'),
    registerHandler: declare(
      'void * __stdcall RegisterServiceCtrlHandlerExW(const char16_t *name, ServiceHandler *handler, void *context)',
    ),
    setStatus: declare('int __stdcall SetServiceStatus(void *service, SERVICE_STATUS *status)'),
  }
})

const ownProcess = 0x10
const states = { stopped: 1, startPending: 2, stopPending: 3, running: 4 }
const acceptStopAndShutdown = 0x1 | 0x4
const controls = { stop: 1, interrogate: 4, shutdown: 5 }

/** What handlers answer. */
const done = 0
const unknownControl = 120

/** The exit code is one of our own, not one of Windows'. */
const ownError = 1066

/** Nobody has started this process as a service. */
const notStartedAsService = 1063

/** How long Windows is asked to wait for the start and for the end, in ms; as long as the original asks. */
const patienceMs = 120_000

/**
 * Connects with the part of Windows that runs services (docs/wire/tentacle-service.md 3), and says that the service
 * starts.
 *
 * @returns undefined when it has not started this process.
 * @throws TentacleError `ERR_PLATFORM` when it has, but nothing can be agreed with it.
 */
export async function connectService(): Promise<WindowsService | undefined> {
  // To ask would do, but the answer may take ten seconds.
  const parent = listProcesses().find(({ id }) => id === process.ppid)
  if (parent?.program.toLowerCase() !== 'services.exe') return undefined
  const { mainType, dispatch } = api()
  const { promise, resolve, reject } = Promise.withResolvers<WindowsService | undefined>()
  // For services with a process of their own the name in the table has no meaning.
  const main = koffi().register(() => {
    try {
      resolve(new ConnectedService(dispatched))
    } catch (error) {
      reject(error)
    }
  }, mainType)
  // Comes back when the service has stopped, so it waits on a thread of its own.
  const dispatched = dispatch
    .later([
      { name: '', main },
      { name: null, main: null },
    ])
    .then(({ result, error }) => {
      if (isTrue(result) || error === notStartedAsService) resolve(undefined)
      else reject(windowsError('Windows does not run this process as a service', error))
    })
    .finally(() => koffi().unregister(main))
  dispatched.catch(reject)
  return await promise
}

class ConnectedService implements WindowsService {
  readonly #dispatched: Promise<unknown>
  readonly #stop = new AbortController()
  readonly #handler: bigint
  readonly #handle: bigint

  constructor(dispatched: Promise<unknown>) {
    this.#dispatched = dispatched
    this.#handler = koffi().register((control: unknown) => this.#hear(asNumber(control)), api().handlerType)
    const handle = asHandle(api().registerHandler('', this.#handler, null))
    if (handle === undefined) throw windowsError('Windows does not tell this service what to do')
    this.#handle = handle
    this.#say(states.startPending)
  }

  get stopRequest(): AbortSignal {
    return this.#stop.signal
  }

  async ready(): Promise<void> {
    this.#say(states.running)
  }

  async stopping(): Promise<void> {
    this.#say(states.stopPending)
  }

  async stopped(exitCode: number): Promise<void> {
    this.#say(states.stopped, exitCode)
    await this.#dispatched
    koffi().unregister(this.#handler)
  }

  /** Called by Windows, which waits for the answer; the agent ends in its own time. */
  #hear(control: number): number {
    if (control === controls.interrogate) return done
    if (control !== controls.stop && control !== controls.shutdown) return unknownControl
    this.#say(states.stopPending)
    this.#stop.abort(new Error('stopped by Windows'))
    return done
  }

  #say(state: number, exitCode = 0): void {
    const isPending = state === states.startPending || state === states.stopPending
    api().setStatus(this.#handle, {
      type: ownProcess,
      state,
      accepted: state === states.running ? acceptStopAndShutdown : 0,
      exitCode: exitCode === 0 ? 0 : ownError,
      ownExitCode: exitCode,
      checkPoint: isPending ? 1 : 0,
      waitHint: isPending ? patienceMs : 0,
    })
  }
}
