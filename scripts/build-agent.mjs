/**
 * `npm run build:agent [-- --out FOLDER] [--with-node] [--platform win32-x64]`: makes the agent as it is installed: the
 * program `Tentacle`, its code in a few files below `lib`, the licences of what is in them. With --with-node the runtime
 * lies beside it, and a machine needs nothing else; without, it must have Node 24. For Windows, on whatever system this
 * runs, the program is `Tentacle.exe`, which is its runtime as well; --node-version puts another Node into it than the
 * pinned one. The default folder is packages/tentacle/dist.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDependencies, findNode, main, root } from './toolchain.mjs'
import { copyKoffi, pinnedNode, writeWindowsProgram } from './windows-agent.mjs'

const agent = join(root, 'packages/tentacle')
const helperFolder = join(root, 'packages/deployer/src/scripting')

/** Everything that a build writes at the top of its folder; whatever else lies there is not ours. */
const written = ['Tentacle', 'Tentacle.exe', 'lib', 'node', 'LICENSE', 'THIRD-PARTY-NOTICES']

function makeEmpty(folder) {
  const found = existsSync(folder) ? readdirSync(folder) : []
  const foreign = found.filter(name => !written.includes(name))
  const isBuild = found.length === 0 || existsSync(join(folder, 'lib', 'tentacle.cjs'))
  if (foreign.length > 0 || !isBuild)
    throw new Error(`${folder} is not empty and holds no earlier build, so nothing was written there.`)
  for (const name of found) rmSync(join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'lib'), { recursive: true })
}

/** The certificate library is loaded by the few who need it; a bundler would not see that it is needed at all. */
const lazyCertificates = {
  name: 'lazy-certificates',
  transform(code, id) {
    if (!id.endsWith(join('halibut', 'src', 'tls', 'forge.ts'))) return null
    const bundled = code.replace(/(createRequire\(import\.meta\.url\)\()'node-forge'/, "$1'./node-forge.cjs'")
    if (bundled === code) throw new Error(`${id} does not load node-forge as this script expects it.`)
    return bundled
  },
}

/** @returns the files that went into the output. */
async function bundle(input, output, plugins = []) {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({ input, plugins, platform: 'node', external: [/^node:/], treeshake: true })
  try {
    const { output: chunks } = await build.write(output)
    return chunks.flatMap(chunk => chunk.moduleIds ?? [])
  } finally {
    await build.close()
  }
}

/** The folders of the foreign packages that the files belong to. */
function packagesOf(files) {
  const mark = `${sep}node_modules${sep}`
  const folders = files
    .filter(file => file.includes(mark))
    .map(file => {
      const start = file.lastIndexOf(mark) + mark.length
      const names = file.slice(start).split(sep)
      return file.slice(0, start) + names.slice(0, names[0].startsWith('@') ? 2 : 1).join(sep)
    })
  return [...new Set(folders)].sort()
}

function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()
  return `${name} ${version} (${typeof license === 'string' ? license : 'see below'})\n\n${text}\n`
}

/** What is started as a process: the agent itself, and the parts that it runs beside itself (src/program-files.ts). */
const programs = {
  tentacle: join(agent, 'src/main.ts'),
  keeper: join(agent, 'src/keeper/main.ts'),
  'name-lookup': join(agent, 'src/check/network/name-lookup.ts'),
}

/** @returns the files that went into the code. */
async function bundleCode(lib) {
  const files = [
    // Scripts rather than modules: they load faster, and a single executable can load them.
    ...(await bundle(
      programs,
      { dir: lib, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' },
      [lazyCertificates],
    )),
    ...(await bundle(join(root, 'node_modules/node-forge/lib/index.js'), {
      file: join(lib, 'node-forge.cjs'),
      format: 'cjs',
    })),
  ]
  for (const name of readdirSync(helperFolder))
    if (!name.endsWith('.ts')) copyFileSync(join(helperFolder, name), join(lib, name))
  return files
}

function putProgram(folder, withNode) {
  copyFileSync(join(agent, 'bin/start-built.cjs'), join(folder, 'lib', 'start.cjs'))
  const executables = { [join(agent, 'bin/Tentacle')]: 'Tentacle', ...(withNode && { [findNode()]: 'node' }) }
  for (const [from, name] of Object.entries(executables)) {
    copyFileSync(from, join(folder, name))
    chmodSync(join(folder, name), 0o755)
  }
  return join(folder, 'Tentacle')
}

/**
 * Builds the agent into a folder, which must be empty or hold an earlier build.
 *
 * @param {string} folder
 * @param {{ withNode?: boolean, platform?: string, nodeVersion?: string }} options `platform` is `win32-x64`, or
 *   undefined for a system like this one; `nodeVersion` is that of the program for Windows
 * @returns the path of the program
 */
export async function buildAgent(folder, { withNode = false, platform, nodeVersion } = {}) {
  if (platform !== undefined && platform !== 'win32-x64')
    throw new Error(`The agent cannot be built for '${platform}'. Leave --platform out, or give win32-x64.`)
  makeEmpty(folder)
  const lib = join(folder, 'lib')
  const packages = packagesOf(await bundleCode(lib))
  let program = join(folder, 'Tentacle.exe')
  if (platform === undefined) program = putProgram(folder, withNode)
  else {
    packages.push(...copyKoffi(lib))
    writeWindowsProgram(program, nodeVersion ?? pinnedNode())
  }
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, 'THIRD-PARTY-NOTICES'), packages.map(noticeOf).join(`\n${'-'.repeat(80)}\n\n`))
  return program
}

if (import.meta.filename === process.argv[1]) {
  main(async () => {
    const { values } = parseArgs({
      options: {
        out: { type: 'string' },
        'with-node': { type: 'boolean' },
        platform: { type: 'string' },
        'node-version': { type: 'string' },
      },
    })
    const folder = resolve(values.out ?? join(agent, 'dist'))
    ensureDependencies()
    const program = await buildAgent(folder, {
      withNode: values['with-node'],
      platform: values.platform,
      nodeVersion: values['node-version'],
    })
    process.stdout.write(`Built ${program}.\n`)
  })
}
