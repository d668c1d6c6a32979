/** Builds the portal into packages/portal/dist, unless that was done from the same sources before. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

const portal = join(root, 'packages/portal')
const stamp = join(portal, 'dist', '.built-from')

function digestOf(folder, hash = createHash('sha256')) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (['node_modules', 'dist', 'test'].includes(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) digestOf(path, hash)
    else hash.update(entry.name).update(readFileSync(path))
  }
  return hash
}

/** The type check is a step of `npm test`; here only the bundle is made, so that `npm start` is quick. */
export function buildPortal() {
  const digest = digestOf(portal)
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  process.stderr.write('Building the portal …\n')
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const built = runNode([vite, 'build', '--logLevel', 'error'], { cwd: portal, stdio: ['ignore', 2, 2] })
  if (built !== 0) throw new Error('The portal could not be built; what is wrong stands above.')
  mkdirSync(join(portal, 'dist'), { recursive: true })
  writeFileSync(stamp, digest)
}

if (import.meta.filename === process.argv[1]) {
  main(() => {
    ensureDependencies()
    buildPortal()
  })
}
