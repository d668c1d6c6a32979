import { join } from 'node:path'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

main(() => {
  ensureDependencies()
  const biome = runNode([join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '.'])
  const imports = runNode([join(root, 'scripts/check-imports.mjs')])
  const docs = runNode([join(root, 'scripts/check-docs.mjs')])
  process.exitCode = biome || imports || docs
})
