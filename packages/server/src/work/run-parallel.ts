/**
 * Does the work on all items, at most `limit` at a time, in their order. All of them are done even when some fail; then
 * the first error is thrown, after the last one has ended. With `mayStart` items can be left out that have not begun.
 */
export async function runParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
  mayStart: () => boolean = () => true,
): Promise<void> {
  const waiting = [...items]
  const errors: unknown[] = []
  async function lane(): Promise<void> {
    for (let item = waiting.shift(); item !== undefined && mayStart(); item = waiting.shift()) {
      await work(item).catch(error => errors.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  if (errors.length > 0) throw errors[0]
}
