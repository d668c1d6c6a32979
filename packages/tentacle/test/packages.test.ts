import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseThumbprint } from '@tentacle/halibut'
import { capabilitiesOf, openServer, serverCertificate } from './agent-rig.ts'
import { type BootedDebian, bootDebian, whyNotBooted } from './booted-debian.ts'

const why =
  whyNotBooted() ??
  (spawnSync('rpmbuild', ['--version']).status === 0 ? undefined : 'needs rpmbuild (package rpm)')

describe('the packages for Linux', { skip: why ?? false }, () => {
  let debian: BootedDebian
  before(async () => {
    debian = await bootDebian('packages')
  })
  after(() => debian?.shutDown())

  const command = async (file: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await debian.run(file, ...args)
    assert.equal(exitCode, 0, `${file} ${args.join(' ')}\n${stdout}${stderr}`)
    return stdout
  }

  /** A package, copied out of the machine's view into a folder of the test. */
  async function packageFile(ending: string): Promise<string> {
    const files = (await command('ls', debian.installed)).split('\n')
    return join(debian.installed, files.find(name => name.endsWith(ending)) ?? assert.fail(`no ${ending}`))
  }

  test('tentacle 12.70: the Debian package is installed, its wizard sets up an agent, upgrades and removal leave it', async t => {
    const deb = await packageFile('.deb')
    assert.match(await command('dpkg', '-i', deb), /\/opt\/octopus\/tentacle\/configure-tentacle\.sh/)
    assert.equal(await command('dpkg', '-V', 'tentacle'), '')
    assert.equal(
      await command('find', '/opt/octopus', '!', '-user', 'root', '-o', '-perm', '/022', '!', '-type', 'l'),
      '',
    )
    const version = await command('Tentacle', 'version')
    assert.match(deb, new RegExp(`_${version.trim().replaceAll('+', '\\+')}_`))
    assert.equal(
      (await command('readlink', '-f', '/usr/bin/Tentacle')).trim(),
      '/opt/octopus/tentacle/Tentacle',
    )

    const certificate = await serverCertificate()
    const port = 20_000 + (process.pid % 10_000)
    // Name, style, settings, applications, port, proxy, thumbprint, Enter.
    const answers = ['', '', '', '', String(port), '', certificate.thumbprint, ''].join('\\n')
    const said = await command(
      'sh',
      '-c',
      `printf '${answers}\\n' | /opt/octopus/tentacle/configure-tentacle.sh`,
    )
    const thumbprint = /[0-9A-F]{40}(?=\s+Add it)/.exec(said)?.[0] ?? assert.fail(said)
    const capabilities = () => {
      const endpoint = { baseUri: `https://127.0.0.1:${port}/`, thumbprint: parseThumbprint(thumbprint) }
      return capabilitiesOf(openServer(t, certificate), endpoint)
    }
    assert.ok((await capabilities()).includes('IScriptServiceV2'))

    const mainProcess = () => command('systemctl', 'show', 'Tentacle', '--property', 'MainPID', '--value')
    const pid = await mainProcess()
    assert.doesNotMatch(
      await command('dpkg', '-i', deb),
      /configure-tentacle/,
      'an upgrade has nothing to set up',
    )
    assert.equal(await mainProcess(), pid, 'an upgrade does not restart the agent')
    await command('Tentacle', 'service', '--instance', 'Tentacle', '--restart')
    assert.ok((await capabilities()).includes('IScriptServiceV2'))

    await command('dpkg', '-r', 'tentacle')
    assert.equal(
      await command('find', '/opt/octopus/tentacle', '/usr/bin/Tentacle', '-maxdepth', '0').catch(() => ''),
      '',
    )
    assert.equal(await command('systemctl', 'is-enabled', 'Tentacle'), 'enabled\n')
    assert.match(
      await command('cat', '/etc/octopus/Tentacle/tentacle-Tentacle.config'),
      new RegExp(certificate.thumbprint),
    )
    await command('systemctl', 'stop', 'Tentacle')
  })

  test('tentacle 12.70: the RPM package and the archive hold the same program', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'packages-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const outside = async (ending: string) =>
      join(debian.given, (await packageFile(ending)).slice(debian.installed.length))
    const rpm = await outside('.rpm')
    const root = join(folder, 'root')
    // The system itself is not in this root, so what the package needs of it cannot be looked for there.
    execFileSync('rpm', ['--root', root, '--install', '--nodeps', '--noscripts', rpm])
    execFileSync('rpm', ['--root', root, '--verify', '--nodeps', '--noscripts', 'tentacle'])
    const version = execFileSync(join(root, 'usr/bin/Tentacle'), ['version'], { encoding: 'utf8' })
    assert.match(execFileSync('rpm', ['-qp', '--requires', rpm], { encoding: 'utf8' }), /glibc >= 2\.28/)
    assert.match(
      execFileSync('rpm', ['-qp', '--scripts', rpm], { encoding: 'utf8' }),
      /configure-tentacle\.sh/,
    )

    await copyFile(await outside('.tar.gz'), join(folder, 'tentacle.tar.gz'))
    execFileSync('tar', ['-xzf', 'tentacle.tar.gz'], { cwd: folder })
    assert.equal(execFileSync(join(folder, 'tentacle/Tentacle'), ['version'], { encoding: 'utf8' }), version)
    const files = async (at: string) => (await readdir(at, { recursive: true })).sort()
    assert.deepEqual(await files(join(folder, 'tentacle')), await files(join(root, 'opt/octopus/tentacle')))
    assert.ok((await files(join(folder, 'tentacle'))).includes('configure-tentacle.sh'))
  })

  test('the digests are those of the packages', async () => {
    const lines = (await readFile(join(debian.given, 'SHA256SUMS'), 'utf8')).trim().split('\n')
    assert.equal(lines.length, 3)
    execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: debian.given })
  })
})
