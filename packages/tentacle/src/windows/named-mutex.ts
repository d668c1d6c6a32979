import { asHandle, asNumber, closeHandle, once, openLibrary, windowsError } from './koffi.ts'

const api = once(() => {
  const declare = openLibrary('kernel32.dll')
  return {
    create: declare('void * __stdcall CreateMutexW(void *security, int owned, const char16_t *name)'),
    wait: declare('uint32_t __stdcall WaitForSingleObject(void *handle, uint32_t milliseconds)'),
    release: declare('int __stdcall ReleaseMutex(void *handle)'),
  }
})

/** It was free, or its owner has ended without giving it back. */
const taken = [0, 0x80]

/** How often, in ms, it is tried; as often as in the original. */
const tryEveryMs = 500

/**
 * Calls `free` once when a mutex of the system can be taken, that is, when the process that holds it has given it back
 * or has ended. Stopped by the returned function.
 *
 * @throws TentacleError `ERR_PLATFORM` when there can be no mutex of that name.
 */
export function watchMutex(name: string, free: () => void): () => void {
  const { create, wait, release } = api()
  const mutex = asHandle(create(null, 0, name))
  if (mutex === undefined) throw windowsError(`The mutex ${name} cannot be opened`)
  let isOpen = true
  const stop = () => {
    clearInterval(timer)
    if (isOpen) closeHandle(mutex)
    isOpen = false
  }
  const timer = setInterval(() => {
    if (!taken.includes(asNumber(wait(mutex, 0)))) return
    release(mutex)
    stop()
    free()
  }, tryEveryMs)
  return stop
}
