import { join } from 'node:path'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

/** `npm run fuzz -- [--target NAME] [--minutes N] …`: feeds the readers of packages/halibut; `--help` lists the options. */
main(() => {
  ensureDependencies()
  process.exitCode = runNode([join(root, 'packages/halibut/test/fuzz/main.ts'), ...process.argv.slice(2)], {
    cwd: process.cwd(),
  })
})
