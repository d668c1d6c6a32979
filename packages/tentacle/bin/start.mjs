// Starts the agent from its TypeScript sources. Node takes off the types at each start, which needs 100 ms; its compile
// cache keeps the result beside the dependencies, so that only the first start pays. Where the folder cannot be written,
// every start pays; nothing else changes.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const neededVersion = 24
const cacheAfterMs = 3000

if (Number.parseInt(process.versions.node, 10) < neededVersion) {
  // This file is plain JavaScript so that an old Node can say what is wrong with it.
  process.stderr.write(
    `Tentacle needs Node ${neededVersion} or later, and this is ${process.versions.node}. Run 'npm install' in the project's folder, which brings it.\n`,
  )
  process.exitCode = 100
} else {
  module.enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/tentacle', import.meta.url)))
  // Node writes the cache when it ends. An agent runs for months and may be killed, so it writes it soon after the start.
  setTimeout(module.flushCompileCache, cacheAfterMs).unref()
  await import('../src/main.ts')
}
