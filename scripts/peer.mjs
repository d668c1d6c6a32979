import { join } from 'node:path'
import { becomeNode, ensureDependencies, main, root } from './toolchain.mjs'

main(() => {
  ensureDependencies()
  becomeNode([join(root, 'packages/peer/src/main.ts'), ...process.argv.slice(2)], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
  })
})
