/**
 * `npm run build:halibut [-- --out FOLDER]`: makes packages/halibut as others install it: JavaScript, declarations, a
 * package.json of its own, the README and the licence. `npm pack` in the folder gives the tarball. The default folder is
 * packages/halibut/dist; the workspace itself never uses it and runs from the sources.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDependencies, main, root, runNode } from './toolchain.mjs'

const source = join(root, 'packages/halibut')

/** Removes an earlier build. A folder with anything else in it is somebody's, and stays as it is. */
function makeEmpty(folder) {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    const manifest = join(folder, 'package.json')
    const { name, main } = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : {}
    const isOurs = name === '@tentacle/halibut' && main === './index.js'
    if (!isOurs)
      throw new Error(`${folder} is not empty and holds no earlier build, so nothing was written there.`)
    rmSync(folder, { recursive: true })
  }
  mkdirSync(folder, { recursive: true })
}

/** The compiler leaves `.ts` in the imports of declarations; every version of TypeScript reads `.js` there. */
function renameImports(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.d.ts')) continue
    const path = join(entry.parentPath, entry.name)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(/((?:\bfrom|\bimport\(|\bimport)\s*'\.{1,2}\/[^']*)\.ts'/g, "$1.js'"))
  }
}

function publishedManifest() {
  const { name, version, description, license, type, dependencies } = JSON.parse(
    readFileSync(join(source, 'package.json'), 'utf8'),
  )
  return {
    name,
    version,
    description,
    license,
    type,
    engines: { node: '>=24' },
    main: './index.js',
    types: './index.d.ts',
    exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
    sideEffects: false,
    dependencies,
  }
}

main(() => {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  const folder = resolve(values.out ?? join(source, 'dist'))
  ensureDependencies()
  makeEmpty(folder)
  // First, so that a build that failed half-way is known as ours the next time.
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(), undefined, 2)}\n`)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const project = join(source, 'tsconfig.build.json')
  if (runNode([compiler, '-p', project, '--outDir', folder]) !== 0)
    throw new Error('packages/halibut could not be built; what is wrong stands above.')
  renameImports(folder)
  copyFileSync(join(source, 'README.md'), join(folder, 'README.md'))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  process.stdout.write(`Built ${folder}. \`npm pack\` there gives the package.\n`)
})
