import {
  asHandle,
  asNumber,
  closeHandle,
  isTrue,
  lastError,
  once,
  openLibrary,
  windowsError,
} from './koffi.ts'

/**
 * A job object: a process in it and all that are started by it, however deep, belong to it for good. It has a name as long
 * as somebody holds it.
 */
export interface JobObject {
  /** The numbers of those that live. */
  members(): number[]
  /** Ends all of them at once. */
  terminate(exitCode: number): void
  close(): void
}

const api = once(() => {
  const declare = openLibrary('kernel32.dll')
  return {
    create: declare('void * __stdcall CreateJobObjectW(void *security, const char16_t *name)'),
    open: declare('void * __stdcall OpenJobObjectW(uint32_t rights, int inherit, const char16_t *name)'),
    set: declare(
      'int __stdcall SetInformationJobObject(void *job, int kind, uint8_t *information, uint32_t size)',
    ),
    query: declare(
      'int __stdcall QueryInformationJobObject(void *job, int kind, _Out_ uint8_t *information, uint32_t size, void *written)',
    ),
    assign: declare('int __stdcall AssignProcessToJobObject(void *job, void *process)'),
    terminate: declare('int __stdcall TerminateJobObject(void *job, uint32_t exitCode)'),
  }
})

const rights = { query: 0x4, terminate: 0x8 }
const alreadyExists = 183
const moreData = 234
const kinds = { processIds: 3, extendedLimits: 9 }

/** `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`: its size, and where the flags are. */
const limits = { size: 144, flags: 16 }

/** Programs that ask for it may leave, as they may where there is no job: without this, asking is an error. */
const breakawayAllowed = 0x800

/**
 * Makes a job object that nobody has yet. Its processes outlive it, and whoever made it.
 *
 * @param process - the first that belongs to it. It should not have begun: what it has started already stays outside
 * @throws TentacleError `ERR_PLATFORM`
 */
export function createJobObject(name: string, process: bigint): JobObject {
  const handle = asHandle(api().create(null, name))
  const code = lastError()
  if (handle === undefined) throw windowsError(`The job object ${name} cannot be made`, code)
  if (code === alreadyExists) {
    closeHandle(handle)
    throw windowsError(`The job object ${name} belongs to somebody else`, code)
  }
  const information = Buffer.alloc(limits.size)
  information.writeUInt32LE(breakawayAllowed, limits.flags)
  const isSet = isTrue(api().set(handle, kinds.extendedLimits, information, information.length))
  if (!isSet || !isTrue(api().assign(handle, process))) {
    const error = windowsError(`The job object ${name} cannot be set up`)
    closeHandle(handle)
    throw error
  }
  return jobObject(handle)
}

/** Opens one that somebody holds, to look at its processes and to end them; undefined when nobody does. */
export function openJobObject(name: string): JobObject | undefined {
  const handle = asHandle(api().open(rights.query | rights.terminate, 0, name))
  return handle === undefined ? undefined : jobObject(handle)
}

function jobObject(handle: bigint): JobObject {
  return {
    members: () => membersOf(handle),
    terminate(exitCode) {
      if (!isTrue(api().terminate(handle, exitCode)))
        throw windowsError('The processes of a job object cannot be ended')
    },
    close: () => closeHandle(handle),
  }
}

/** `JOBOBJECT_BASIC_PROCESS_ID_LIST`: two counts, then the numbers. */
function membersOf(handle: bigint): number[] {
  const [countAt, listAt, entrySize] = [4, 8, 8]
  for (let capacity = 256; ; capacity *= 4) {
    const list = Buffer.alloc(listAt + capacity * entrySize)
    if (isTrue(api().query(handle, kinds.processIds, list, list.length, null))) {
      const count = asNumber(list.readUInt32LE(countAt))
      return Array.from({ length: count }, (_, index) =>
        Number(list.readBigUInt64LE(listAt + index * entrySize)),
      )
    }
    const code = lastError()
    if (code !== moreData) throw windowsError('The processes of a job object cannot be listed', code)
  }
}
