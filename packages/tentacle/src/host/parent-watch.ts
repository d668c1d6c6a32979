import { systemCode } from '../errors.ts'

/** How often, in ms, it is looked whether the parent is there; as often as the original looks at its mutex. */
const lookEveryMs = 500

/** Taken when the agent begins to start: a parent that ends meanwhile is missed then, too. */
const parent = process.ppid

/** Calls `gone` once when the process that started this one has ended. Stopped by the returned function. */
export function watchParent(gone: () => void): () => void {
  const timer = setInterval(() => {
    if (process.ppid === parent && isThere(parent)) return
    clearInterval(timer)
    gone()
  }, lookEveryMs)
  return () => clearInterval(timer)
}

function isThere(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}
