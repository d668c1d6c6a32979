import { join } from 'node:path'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

/** `npm run soak -- [--minutes N] [--peers N] [--seed N]`: many services behind random faults; `--help` says more. */
main(() => {
  ensureDependencies()
  process.exitCode = runNode(['--expose-gc', join(root, 'bench/soak/main.ts'), ...process.argv.slice(2)])
})
