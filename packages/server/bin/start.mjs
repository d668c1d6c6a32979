// Starts the server from its TypeScript sources. Node's compile cache keeps what it made of them beside the dependencies,
// so that only the first start pays for it. Where that folder cannot be written, every start pays; nothing else changes.
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/server', import.meta.url)))
await import('../src/main.ts')
