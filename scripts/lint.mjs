import { join } from 'node:path'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

main(() => {
  ensureDependencies()
  const biome = runNode([join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '.'])
  const imports = runNode([join(root, 'scripts/check-imports.mjs')])
  process.exitCode = biome || imports
})
