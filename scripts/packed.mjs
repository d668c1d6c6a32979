/**
 * Packages of other systems: npm installs none that does not fit the machine, so they are fetched as files, once.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './toolchain.mjs'

const cache = join(root, 'node_modules', '.cache', 'packed')

/** What the lock file says of a package, if it has that version. */
export function locked(name) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const found = packages[`node_modules/${name}`]
  if (found === undefined) throw new Error(`${name} is not in package-lock.json.`)
  return found
}

/**
 * The folder with the files of a package, which is fetched if it is not there yet.
 *
 * @param {string} name
 * @param {string} version the one of the lock file, or one that nothing was locked for
 */
export function unpackedPackage(name, version) {
  const folder = join(cache, `${name.replace('/', '+')}-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const beside = mkdtempSync(join(cache, '.fetching-'))
  try {
    fetchInto(beside, name, version)
    renameSync(join(beside, 'package'), folder)
  } catch (error) {
    // Another process may have been quicker.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(beside, { recursive: true, force: true })
  }
  return folder
}

function fetchInto(folder, name, version) {
  process.stderr.write(`Fetching ${name} ${version} …\n`)
  const isWindows = process.platform === 'win32'
  const packed = spawnSync(isWindows ? 'npm.cmd' : 'npm', ['pack', `${name}@${version}`, '--silent'], {
    cwd: folder,
    encoding: 'utf8',
    shell: isWindows,
  })
  const archive = readdirSync(folder).find(file => file.endsWith('.tgz'))
  if (packed.status !== 0 || archive === undefined)
    throw new Error(
      `${name} ${version} could not be fetched, so nothing was built. Is the package registry reachable? npm says: ` +
        `${(packed.stderr ?? '').trim() || packed.error?.message || 'nothing'}`,
    )
  checkDigest(join(folder, archive), name, version)
  const unpacked = spawnSync('tar', ['-xzf', archive], { cwd: folder, encoding: 'utf8' })
  if (unpacked.status !== 0) throw new Error(`${archive} could not be unpacked: ${unpacked.stderr}`)
}

function checkDigest(file, name, version) {
  const { version: known, integrity } = locked(name)
  if (known !== version) return
  const digest = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
  if (digest !== integrity)
    throw new Error(`${name} ${version} is not the file that package-lock.json names.`)
}
