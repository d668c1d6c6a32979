import type { TestContext } from 'node:test'

type Close = () => unknown

const stacks = new WeakMap<TestContext, Close[]>()

/**
 * Closes something after the test: what was opened last is closed first, and a failure to close one thing keeps nothing
 * else open. The runner's own `after` would close in the order of opening and stop at the first failure.
 */
export function closeAfter(t: TestContext, close: Close): void {
  const known = stacks.get(t)
  if (known) {
    known.push(close)
    return
  }
  const stack = [close]
  stacks.set(t, stack)
  t.after(async () => {
    const failures: unknown[] = []
    for (const next of stack.toReversed()) {
      try {
        await next()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures)
  })
}
