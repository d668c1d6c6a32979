import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

/** `npm run bench` runs every bench/*.ts; `npm run bench -- NAME … [--option …]` only those whose name contains a NAME. */
main(() => {
  ensureDependencies()
  const [options, wanted] = [true, false].map(isOption =>
    process.argv.slice(2).filter(word => word.startsWith('--') === isOption),
  )
  const files = readdirSync(join(root, 'bench')).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const chosen = files.filter(file => wanted.length === 0 || wanted.some(name => file.includes(name)))
  if (chosen.length === 0)
    throw new Error(`No benchmark matches ${wanted.join(', ')}. There are: ${files.join(', ')}`)
  for (const file of chosen) {
    process.stdout.write(`\n${file}\n`)
    process.exitCode = runNode([join(root, 'bench', file), ...options]) || process.exitCode
  }
})
