import { asHandle, asNumber, closeHandle, isTrue, koffi, once, openLibrary } from './koffi.ts'

/** What Windows knows of a process. */
export interface ProcessFacts {
  /** When it was started, in units of 100 ns since 1601: with the number it names a process for good. */
  readonly startTime: bigint
  /** Ended already, and only there because somebody has a handle to it. */
  readonly hasEnded: boolean
  /** Signed, as programs mean it. Only of one that has ended. */
  readonly exitCode: number
}

const api = once(() => {
  const declare = openLibrary('kernel32.dll')
  return {
    open: declare('void * __stdcall OpenProcess(uint32_t rights, int inherit, uint32_t process)'),
    times: declare(
      'int __stdcall GetProcessTimes(void *process, _Out_ uint8_t *creation, _Out_ uint8_t *exit, _Out_ uint8_t *kernel, _Out_ uint8_t *user)',
    ),
    wait: declare('uint32_t __stdcall WaitForSingleObject(void *handle, uint32_t milliseconds)'),
    exitCode: declare('int __stdcall GetExitCodeProcess(void *process, _Out_ uint32_t *code)'),
  }
})

const queryLimited = 0x1000
const synchronize = 0x100000
const signalled = 0

/** @returns undefined for a process that is gone, or that this account may not look at. */
export function factsOfProcess(id: number): ProcessFacts | undefined {
  const handle = asHandle(api().open(queryLimited | synchronize, 0, id))
  if (handle === undefined) return undefined
  try {
    return factsOfHandle(handle)
  } finally {
    closeHandle(handle)
  }
}

/** @param handle - with the rights to query and to wait */
export function factsOfHandle(handle: bigint): ProcessFacts | undefined {
  const { times, wait, exitCode } = api()
  const [creation, ...others] = [8, 8, 8, 8].map(size => Buffer.alloc(size))
  if (creation === undefined || !isTrue(times(handle, creation, ...others))) return undefined
  const hasEnded = asNumber(wait(handle, 0)) === signalled
  const code = [0]
  if (hasEnded) exitCode(handle, code)
  return { startTime: creation.readBigUInt64LE(), hasEnded, exitCode: (code[0] ?? 0) | 0 }
}

/** Where every process finds the same page of Windows, and in it the number of the boot. */
const sharedData = 0x7ffe0000n
const bootIdOffset = 0x2c4n

/** The number of this boot: the loader counts them. */
export function bootNumber(): number {
  const number: unknown = koffi().decode(sharedData + bootIdOffset, 'uint32_t')
  return asNumber(number)
}
