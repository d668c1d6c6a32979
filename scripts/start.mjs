/** `npm start`: everything that is needed, then the server, two agents and one deployment. Options follow `--`. */
import { join } from 'node:path'
import { buildPortal } from './build-portal.mjs'
import { becomeNode, ensureDependencies, main, root } from './toolchain.mjs'

main(() => {
  ensureDependencies()
  buildPortal()
  becomeNode([join(root, 'packages/quickstart/src/main.ts'), ...process.argv.slice(2)])
})
