/**
 * `npm run package:agent [-- --out FOLDER] [--formats tar.gz,deb,rpm] [--fast]`: makes what the agent is installed from on
 * Linux: an archive, a Debian package, an RPM package and their digests. All hold the same folder, with its runtime:
 * nothing is fetched when they are installed. They are for the processor of this machine. --fast compresses little, for
 * trying out. The default folder is packages/tentacle/dist-packages. Needs dpkg-deb and rpmbuild for their formats.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildAgent } from './build-agent.mjs'
import { ensureDependencies, main, root } from './toolchain.mjs'

const agent = join(root, 'packages/tentacle')
const linux = join(agent, 'packaging/linux')
const description = {
  summary: 'Octopus Tentacle agent',
  text: 'Runs scripts and deploys packages for Octopus Server, which it listens to or polls over TLS.',
  homepage: 'https://octopus.com/docs/infrastructure/deployment-targets/tentacle',
}

/** The names that the package formats have for a processor. */
const processors = {
  x64: { deb: 'amd64', rpm: 'x86_64' },
  arm64: { deb: 'arm64', rpm: 'aarch64' },
}

function run(program, args, options = {}) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8', ...options })
  if (error?.code === 'ENOENT')
    throw new Error(
      `There is no ${program} here. Install it (Debian: dpkg, rpm), or leave its format out with --formats.`,
    )
  if (status !== 0) throw new Error(`${program} failed:\n${stderr ?? error?.message}`)
}

/** Everything gets one time, so that the same sources make the same package: that of the last change. */
function lastChange() {
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' })
  return process.env.SOURCE_DATE_EPOCH ?? (stdout?.trim() || '0')
}

/** The version that the agent tells servers, which is what they compare. */
function versionOf(program) {
  const { stdout, status } = spawnSync(program, ['version'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} was built and does not start.`)
  return stdout.trim()
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else yield path
  }
}

/** The system's root as the packages make it: the program's folder, and a link on the path. */
async function makeTree(tree) {
  const installed = join(tree, 'opt/octopus/tentacle')
  mkdirSync(installed, { recursive: true, mode: 0o755 })
  const program = await buildAgent(installed, { withNode: true })
  copyFileSync(join(linux, 'configure-tentacle.sh'), join(installed, 'configure-tentacle.sh'))
  chmodSync(join(installed, 'configure-tentacle.sh'), 0o755)
  for (const file of filesBelow(installed)) if ((lstatSync(file).mode & 0o111) === 0) chmodSync(file, 0o644)
  mkdirSync(join(tree, 'usr/bin'), { recursive: true, mode: 0o755 })
  symlinkSync('../../opt/octopus/tentacle/Tentacle', join(tree, 'usr/bin/Tentacle'))
  return { installed, version: versionOf(program) }
}

function makeArchive({ installed, work, env, version, isFast }, out) {
  const file = join(out, `tentacle-${version}-linux-${process.arch}.tar.gz`)
  const owner = [
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    `--mtime=@${env.SOURCE_DATE_EPOCH}`,
    '--sort=name',
  ]
  const plain = join(work, 'tentacle.tar')
  run('tar', [...owner, '-C', join(installed, '..'), '-cf', plain, 'tentacle'])
  run('gzip', ['-n', isFast ? '-1' : '-9', plain])
  renameSync(`${plain}.gz`, file)
  return file
}

function makeDeb({ tree, env, version, isFast }, out) {
  const { deb } = processors[process.arch]
  const control = join(tree, 'DEBIAN')
  mkdirSync(control, { mode: 0o755 })
  const size = [...filesBelow(join(tree, 'opt'))].reduce((sum, file) => sum + lstatSync(file).size, 0)
  const fields = [
    'Package: tentacle',
    `Version: ${version}`,
    `Architecture: ${deb}`,
    'Maintainer: The maintainers of this build <root@localhost>',
    `Installed-Size: ${Math.ceil(size / 1024)}`,
    'Depends: libc6 (>= 2.28), libstdc++6, bash, coreutils',
    'Recommends: ca-certificates',
    'Section: admin',
    'Priority: optional',
    `Homepage: ${description.homepage}`,
    `Description: ${description.summary}`,
    ` ${description.text}`,
  ]
  writeFileSync(join(control, 'control'), `${fields.join('\n')}\n`)
  copyFileSync(join(linux, 'postinst'), join(control, 'postinst'))
  chmodSync(join(control, 'postinst'), 0o755)
  const file = join(out, `tentacle_${version}_${deb}.deb`)
  run('dpkg-deb', ['--root-owner-group', '-Zxz', isFast ? '-z0' : '-z9', '--build', tree, file], { env })
  rmSync(control, { recursive: true })
  return file
}

function makeRpm({ tree, work, env, version, isFast }, out) {
  const { rpm } = processors[process.arch]
  const spec = join(work, 'tentacle.spec')
  writeFileSync(
    spec,
    `Name: tentacle
Version: ${version}
Release: 1
Summary: ${description.summary}
License: Apache-2.0 and others; see THIRD-PARTY-NOTICES
URL: ${description.homepage}
AutoReqProv: no
Requires: glibc >= 2.28, libstdc++, bash, coreutils
Recommends: ca-certificates

%description
${description.text}

%install
cp -a %{tree}/. %{buildroot}

%files
%dir /opt/octopus
/opt/octopus/tentacle
/usr/bin/Tentacle

%post
if [ "$1" = 1 ]; then
  echo 'Tentacle is installed. To set it up, run: /opt/octopus/tentacle/configure-tentacle.sh'
fi
`,
  )
  const definitions = {
    _topdir: join(work, 'rpm'),
    tree,
    _binary_payload: isFast ? 'w1.gzdio' : 'w9.xzdio',
    // What is in the runtime and in the code must stay as it is: stripping breaks it.
    __os_install_post: '%{nil}',
    _build_id_links: 'none',
    debug_package: '%{nil}',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    _buildhost: 'build',
  }
  const defines = Object.entries(definitions).flatMap(([name, value]) => ['--define', `${name} ${value}`])
  run('rpmbuild', ['-bb', '--quiet', '--target', `${rpm}-linux`, ...defines, spec], { env })
  const name = `tentacle-${version}-1.${rpm}.rpm`
  const file = join(out, name)
  copyFileSync(join(work, 'rpm/RPMS', rpm, name), file)
  return file
}

const formats = { 'tar.gz': makeArchive, deb: makeDeb, rpm: makeRpm }

/**
 * Makes the packages.
 *
 * @param {string} out
 * @param {{ names?: readonly string[], isFast?: boolean }} options
 * @returns their files
 */
export async function packageAgent(out, { names = Object.keys(formats), isFast = false } = {}) {
  if (process.platform !== 'linux' || processors[process.arch] === undefined)
    throw new Error(
      `Packages are made on Linux for x64 and arm64; this is ${process.platform}-${process.arch}.`,
    )
  const unknown = names.filter(name => formats[name] === undefined)
  if (unknown.length > 0)
    throw new Error(`There is no format ${unknown.join(', ')}; there are ${Object.keys(formats).join(', ')}.`)
  const work = mkdtempSync(join(tmpdir(), 'tentacle-package-'))
  // Whoever installs the package uses the folders; they are not for the account that makes them alone.
  const umask = process.umask(0o022)
  try {
    chmodSync(work, 0o755)
    const tree = join(work, 'tree')
    mkdirSync(tree, { mode: 0o755 })
    const env = { ...process.env, SOURCE_DATE_EPOCH: lastChange() }
    const source = { ...(await makeTree(tree)), tree, work, env, isFast }
    mkdirSync(out, { recursive: true })
    const files = names.map(name => formats[name](source, out))
    const lines = files.map(file => {
      const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
      return `${digest}  ${file.slice(out.length + 1)}\n`
    })
    writeFileSync(join(out, 'SHA256SUMS'), lines.join(''))
    return files
  } finally {
    process.umask(umask)
    rmSync(work, { recursive: true, force: true })
  }
}

if (import.meta.filename === process.argv[1]) {
  main(async () => {
    const { values } = parseArgs({
      options: { out: { type: 'string' }, formats: { type: 'string' }, fast: { type: 'boolean' } },
    })
    ensureDependencies()
    const files = await packageAgent(resolve(values.out ?? join(agent, 'dist-packages')), {
      names: values.formats?.split(',').filter(Boolean),
      isFast: values.fast,
    })
    for (const file of files)
      process.stdout.write(`${(lstatSync(file).size / 2 ** 20).toFixed(1).padStart(7)} MiB  ${file}\n`)
  })
}
