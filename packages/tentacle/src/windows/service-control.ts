import { TentacleError } from '../errors.ts'
import type {
  ServiceControl,
  ServiceState,
  WindowsServiceSettings,
} from '../service-manager/service-control.ts'
import { allowServiceLogon } from './account-rights.ts'
import { registerEventSource } from './event-log.ts'
import { asHandle, isTrue, koffi, lastError, once, openLibrary, windowsError } from './koffi.ts'
import { RegistryKey } from './registry.ts'

const api = once(() => {
  koffi().struct('SC_ACTION', { type: 'int', delay: 'uint32_t' })
  koffi().struct('SERVICE_FAILURE_ACTIONS', {
    resetSeconds: 'uint32_t',
    rebootMessage: 'const char16_t *',
    command: 'const char16_t *',
    count: 'uint32_t',
    actions: 'SC_ACTION *',
  })
  koffi().struct('SERVICE_DESCRIPTION', { text: 'const char16_t *' })
  const declare = openLibrary('advapi32.dll')
  const change = (type: string) =>
    declare(`int __stdcall ChangeServiceConfig2W(void *service, uint32_t level, ${type} *info)`)
  const settings =
    'uint32_t type, uint32_t start, uint32_t errors, const char16_t *command, const char16_t *group, void *tag, uint8_t *dependencies, const char16_t *account, const char16_t *password'
  return {
    openManager: declare(
      'void * __stdcall OpenSCManagerW(const char16_t *machine, const char16_t *database, uint32_t rights)',
    ),
    open: declare('void * __stdcall OpenServiceW(void *manager, const char16_t *name, uint32_t rights)'),
    close: declare('int __stdcall CloseServiceHandle(void *handle)'),
    create: declare(
      `void * __stdcall CreateServiceW(void *manager, const char16_t *name, const char16_t *displayName, uint32_t rights, ${settings})`,
    ),
    change: declare(
      `int __stdcall ChangeServiceConfigW(void *service, ${settings}, const char16_t *displayName)`,
    ),
    describe: change('SERVICE_DESCRIPTION'),
    setFailureActions: change('SERVICE_FAILURE_ACTIONS'),
    setFailureFlag: change('int'),
    query: declare('int __stdcall QueryServiceStatus(void *service, _Out_ uint8_t *status)'),
    start: declare('int __stdcall StartServiceW(void *service, uint32_t count, void *arguments)'),
    control: declare('int __stdcall ControlService(void *service, uint32_t control, _Out_ uint8_t *status)'),
    remove: declare('int __stdcall DeleteService(void *service)'),
  }
})

const mayConnectAndCreate = 0x1 | 0x2
const mayConnect = 0x1
const rights = { query: 0x4, start: 0x10, stop: 0x20, change: 0x2, remove: 0x1_0000 }
/** To set what happens after a failure one must be allowed to start it. */
const allRights = rights.change | rights.query | rights.start

const ownProcess = 0x10
const automatic = 2
const normalErrors = 1
const stopControl = 1
const statusSize = 28
const states: readonly (ServiceState | undefined)[] = [
  ...[undefined, 'STOPPED', 'START_PENDING', 'STOP_PENDING', 'RUNNING'],
  ...['CONTINUE_PENDING', 'PAUSE_PENDING', 'PAUSED'],
] as const

const levels = { description: 1, failureActions: 2, failureFlag: 4 }
const restartAction = 1
/** Failures are forgotten after a day without one. */
const resetSeconds = 86_400

const codes = { missing: 1060, exists: 1073, runsAlready: 1056, isStopped: 1062, noSuchLevel: 124 }

/** The services of the Windows that this process runs on. */
export const windowsServiceControl: ServiceControl = {
  create(name, settings) {
    return withManager(mayConnectAndCreate, manager => {
      const parts = partsOf(settings)
      const made = asHandle(api().create(manager, name, settings.displayName, allRights, ...parts))
      if (made === undefined) {
        const code = lastError()
        if (code === codes.exists) return false
        throw failure(name, 'made', code)
      }
      try {
        setDetails(made, name, settings)
      } finally {
        api().close(made)
      }
      return true
    })
  },

  configure(name, settings) {
    withService(name, allRights, 'changed', service => {
      if (!isTrue(api().change(service, ...partsOf(settings), settings.displayName)))
        throw failure(name, 'changed')
      setDetails(service, name, settings)
    })
  },

  state(name) {
    try {
      return withService(name, rights.query, 'looked at', service => {
        const status = Buffer.alloc(statusSize)
        if (!isTrue(api().query(service, status))) throw failure(name, 'looked at')
        return states[status.readUInt32LE(4)]
      })
    } catch (error) {
      if (codeOf(error) === codes.missing) return undefined
      throw error
    }
  },

  async start(name) {
    await withService(name, rights.start, 'started', async service => {
      // Windows waits until the process has answered, for up to half a minute.
      const { result, error } = await api().start.later(service, 0, null)
      if (!isTrue(result) && error !== codes.runsAlready) throw failure(name, 'started', error)
    })
  },

  stop(name) {
    withService(name, rights.stop, 'stopped', service => {
      const isAsked = isTrue(api().control(service, stopControl, Buffer.alloc(statusSize)))
      if (isAsked) return
      const code = lastError()
      if (code !== codes.isStopped) throw failure(name, 'stopped', code)
    })
  },

  remove(name) {
    withService(name, rights.remove, 'removed', service => {
      if (!isTrue(api().remove(service))) throw failure(name, 'removed')
    })
  },

  allowServiceLogon,
  registerEventSource,
}

/** What making and changing a service have in common, in the order in which Windows takes it. */
function partsOf({ command, dependencies, account, password }: WindowsServiceSettings): unknown[] {
  const listed = Buffer.from(`${dependencies.join('\0')}\0\0`, 'utf16le')
  return [
    ...[ownProcess, automatic, normalErrors, command, null, null, listed],
    ...[account ?? null, password ?? null],
  ]
}

function setDetails(service: bigint, name: string, settings: WindowsServiceSettings): void {
  const { describe, setFailureActions, setFailureFlag } = api()
  const actions = settings.restartPausesMs.map(delay => ({ type: restartAction, delay }))
  const done = [
    describe(service, levels.description, { text: settings.description }),
    setFailureActions(service, levels.failureActions, {
      resetSeconds,
      rebootMessage: null,
      command: null,
      count: actions.length,
      actions,
    }),
  ]
  if (!done.every(isTrue)) throw failure(name, 'described')
  // An end with an exit code is a failure, too.
  if (!isTrue(setFailureFlag(service, levels.failureFlag, [1])) && lastError() !== codes.noSuchLevel)
    throw failure(name, 'described')
  const variables = Object.entries(settings.environment).map(([key, value]) => `${key}=${value}`)
  if (variables.length > 0)
    new RegistryKey(`SYSTEM\\CurrentControlSet\\Services\\${name}`).write({ Environment: variables })
}

function withManager<T>(access: number, use: (manager: bigint) => T): T {
  const manager = asHandle(api().openManager(null, null, access))
  if (manager === undefined) throw windowsError('The services of this machine cannot be reached')
  try {
    return use(manager)
  } finally {
    api().close(manager)
  }
}

function withService<T>(name: string, access: number, done: string, use: (service: bigint) => T): T {
  return withManager(mayConnect, manager => {
    const service = asHandle(api().open(manager, name, access))
    if (service === undefined) throw failure(name, done)
    const close = () => api().close(service)
    let result: T
    try {
      result = use(service)
    } catch (error) {
      close()
      throw error
    }
    if (result instanceof Promise) result.then(close, close)
    else close()
    return result
  })
}

function failure(name: string, done: string, code: number = lastError()): TentacleError {
  return windowsError(`The service ${name} could not be ${done}`, code)
}

/** Windows' number for why something failed; undefined for other errors. */
function codeOf(error: unknown): unknown {
  return error instanceof TentacleError ? error.details.windowsError : undefined
}
