// Starts the agent from its TypeScript sources. Node takes off the types at each start, which needs 100 ms; its compile
// cache keeps the result beside the dependencies, so that only the first start pays. Where the folder cannot be written,
// every start pays; nothing else changes.
import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

const cacheAfterMs = 3000

enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/tentacle', import.meta.url)))
// Node writes the cache when it ends. An agent runs for months and may be killed, so it writes it soon after the start.
setTimeout(flushCompileCache, cacheAfterMs).unref()
await import('../src/main.ts')
