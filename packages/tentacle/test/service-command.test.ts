import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { createRig, type RunOptions } from './rig.ts'
import { type SystemctlAnswer, standInSystem } from './stand-in-system.ts'
import { standInWindows } from './stand-in-windows.ts'

/** A machine with an instance `T1`, stand-ins for the programs of the system, and a way to call `service`. */
async function place(t: TestContext, answer?: SystemctlAnswer) {
  const rig = await createRig(t)
  const system = await standInSystem(rig, answer)
  const PATH = `${system.programs}:/usr/bin:/bin`
  await rig.run([
    'create-instance',
    '--instance',
    'T1',
    '--config',
    rig.at('T1/T1.config'),
    '--home',
    rig.at('T1'),
  ])
  const service = (args: readonly string[], options: RunOptions = {}) =>
    rig.run(['service', '--instance', 'T1', ...args], { ...options, env: { PATH, ...options.env } })
  const unit = (name = 'T1') => readFile(rig.at(`etc/systemd/system/${name}.service`), 'utf8')
  return { rig, system, service, unit, PATH }
}

test('tentacle 12.11: without the rights for it nothing is installed or removed', async t => {
  const { rig, system, service } = await place(t)
  for (const action of ['install', 'uninstall', 'reconfigure']) {
    const { exitCode, stdout, stderr } = await service([`--${action}`], { isElevated: false })
    assert.deepEqual([exitCode, stdout], [1, ''])
    assert.equal(stderr, `Only root may ${action} a service. Run the command again with sudo, or as root.\n`)
  }
  assert.deepEqual(await system.calls(), [])
  await assert.rejects(stat(rig.at('etc')))
})

test('others than root start and stop with the rights that systemd gives them, else with sudo', async t => {
  const allowed = await place(t)
  assert.equal((await allowed.service(['--start'], { isElevated: false })).exitCode, 0)
  assert.deepEqual(await allowed.system.calls(), ['systemctl start T1'])

  const denied = await place(t, { exitCode: 4, stderr: 'Failed to stop T1.service: Access denied\n' })
  const { exitCode, stdout, stderr } = await denied.service(['--stop'], { isElevated: false })
  assert.equal(exitCode, 1)
  assert.equal(stdout, "Stopping service: T1\nPermission denied. Retrying 'systemctl stop T1' with sudo...\n")
  assert.match(
    stderr,
    /^The service T1 could not be stopped[\s\S]*Access denied\nRun the command again with sudo, or as root\.\n$/,
  )
  assert.deepEqual(await denied.system.calls(), [
    'systemctl stop T1',
    'sudo -n systemctl stop T1',
    'systemctl stop T1',
  ])
})

test('a unit of somebody else is neither replaced nor removed', async t => {
  const { rig, system, service, unit } = await place(t)
  const foreign = '[Service]\nExecStart=/usr/sbin/sshd -D\n'
  for (const folder of ['etc/systemd/system', 'usr/lib/systemd/system']) {
    await rig.write(`${folder}/T1.service`, foreign)
    for (const action of ['--install', '--uninstall', '--reconfigure']) {
      const { exitCode, stderr } = await service([action])
      assert.equal(exitCode, 1)
      assert.match(stderr, /^The service T1 exists and is not an agent/)
    }
    if (folder.startsWith('etc')) assert.equal(await unit(), foreign)
  }
  assert.deepEqual(await system.calls(), [])
})

test('reconfiguring keeps the account and the dependency unless others are given', async t => {
  const { service, unit } = await place(t)
  await service(['--install', '--username', 'deploy', '--dependOn', 'postgresql.service'])
  const before = await unit()
  assert.match(before, /^After=network\.target postgresql\.service$[\s\S]*^User=deploy$/m)
  assert.equal((await service(['--reconfigure'])).exitCode, 0)
  assert.equal(await unit(), before)
  await service(['--reconfigure', '--user=root'])
  assert.match(await unit(), /^User=root$/m)
})

test('the service finds an instance whose index is somewhere else', async t => {
  const { rig, service } = await place(t)
  await service(['--install'], { env: { TentacleMachineConfigurationHomeDirectory: rig.at('machine') } })
  const dropIn = await readFile(rig.at('etc/systemd/system/T1.service.d/10-tentacle.conf'), 'utf8')
  assert.ok(
    dropIn.includes(`Environment="TentacleMachineConfigurationHomeDirectory=${rig.at('machine')}"`),
    dropIn,
  )
})

test('an account that does not exist is refused before anything changes', async t => {
  const { rig, system, service } = await place(t)
  await rig.write('fakebin/getent', '#!/bin/sh\nexit 2\n')
  for (const action of ['--install', '--reconfigure']) {
    const { exitCode, stderr } = await service([action, '--username', 'nobody-here', '--password', 'hunter2'])
    assert.equal(exitCode, 1)
    assert.match(stderr, /^There is no account 'nobody-here' on this machine\./)
    assert.doesNotMatch(stderr, /hunter2/)
  }
  for (const name of ['a\nExecStart=/bin/evil', 'a:b', '-x', ' '])
    assert.equal((await service(['--install', '--username', name])).exitCode, 1, JSON.stringify(name))
  assert.equal((await service(['--install', '--dependOn', 'a\n[Service]'])).exitCode, 1)
  assert.deepEqual(await system.calls(), [])
})

test('what is not there counts as removed, and an instance without files can be removed', async t => {
  const { rig, system, service } = await place(t, {
    exitCode: 5,
    stderr: 'Failed to stop T1.service: Unit T1.service not loaded.\n',
  })
  await rig.write('T1/T1.config', '')
  const { exitCode, stdout } = await service(['--stop', '--uninstall'])
  assert.equal(exitCode, 0)
  assert.match(stdout, /Service uninstalled\n$/)
  assert.equal((await system.calls()).length, 5)
})

test('with * the other instances are tried too when one fails', async t => {
  const { rig, system, PATH } = await place(t)
  await rig.run([
    'create-instance',
    '--instance',
    'A',
    '--config',
    rig.at('A/A.config'),
    '--home',
    rig.at('A'),
  ])
  await rig.write(
    'fakebin/systemctl',
    `#!/bin/sh\necho "systemctl $*" >> '${rig.at('calls')}'\n[ "$2" != A ]\n`,
  )
  const { exitCode, stdout, stderr } = await rig.run(['service', '--instance', '*', '--start'], {
    env: { PATH },
  })
  assert.equal(exitCode, 1)
  assert.equal(stdout, 'Service started: T1\n')
  assert.match(stderr, /The service A could not be started[\s\S]*Failed: A\.\n$/)
  assert.deepEqual(await system.calls(), ['systemctl start A', 'systemctl start T1'])
})

test('tentacle 12.66: on Windows its own services are managed, and checkservices starts what stands still', async t => {
  const { rig, system, service } = await place(t)
  const windows = standInWindows()
  const { exitCode, stdout } = await service(['--install'], { windows })
  assert.deepEqual([exitCode, stdout], [0, 'Service installed\n'])
  const installed = windows.services.services.get('OctopusDeploy Tentacle: T1')
  assert.equal(installed?.settings.command, '"/opt/octopus/tentacle/Tentacle" run --instance="T1"')
  assert.equal((await rig.run(['checkservices', '--instances=*'], { windows })).stdout, 'Service started\n')
  assert.equal(installed?.state, 'RUNNING')

  await rig.write('fakebin/schtasks.exe', `#!/bin/sh\necho "schtasks.exe $*" >> '${rig.at('calls')}'\n`)
  await chmod(rig.at('fakebin', 'schtasks.exe'), 0o755)
  const PATH = `${system.programs}:/usr/bin:/bin`
  const made = await rig.run(['watchdog', '--create', '--interval=7'], { windows, env: { PATH } })
  assert.equal(made.exitCode, 0, made.stderr)
  assert.match((await system.calls()).at(-1) ?? '', /^schtasks\.exe \/Create .* \/MO 7 /)

  const watchdog = async () => {
    const shown = await rig.run(['show-configuration', '--instance=T1'], { windows, env: { PATH } })
    return JSON.parse(shown.stdout).Octopus.Watchdog
  }
  const task = `<Interval>PT1H10M</Interval><Arguments>checkservices --instances &quot;T1,T2&quot;</Arguments>`
  await rig.write('fakebin/schtasks.exe', `#!/bin/sh\n[ "$1" = /Query ] && echo '${task}'\n`)
  assert.deepEqual(await watchdog(), { Enabled: true, Instances: 'T1,T2', Interval: 70 })
  await rig.write('fakebin/schtasks.exe', `#!/bin/sh\nexit 1\n`)
  assert.deepEqual(await watchdog(), { Enabled: false, Instances: '*', Interval: 0 })
})

test('extract replaces files of the same name, and leaves nothing of a package that is damaged', async t => {
  const rig = await createRig(t)
  const packages = `${import.meta.dirname}/fixtures/files`
  await mkdir(rig.at('x'), { recursive: true })
  await rig.write('x/web.txt', 'old')
  await rig.write('x/mine.txt', 'stays')
  const good = await rig.run([
    'extract',
    '--package',
    `${packages}/Acme.Web.1.0.0.nupkg`,
    '--destination',
    rig.at('x'),
  ])
  assert.deepEqual([good.exitCode, good.stderr], [0, ''])
  assert.equal(await rig.read('x/web.txt'), 'x\n')
  assert.equal(await rig.read('x/mine.txt'), 'stays')

  const bytes = await readFile(`${packages}/Acme.Web.1.0.0.nupkg`)
  await rig.write('Bad.1.0.0.nupkg', bytes.subarray(0, 400))
  const bad = await rig.run(['extract', '--package', rig.at('Bad.1.0.0.nupkg'), '--destination', rig.at('y')])
  assert.equal(bad.exitCode, 1)
  assert.match(bad.stderr, /Bad\.1\.0\.0\.nupkg cannot be unpacked/)
  assert.deepEqual(await readdir(rig.at('y')), [])
  assert.deepEqual(
    (await readdir(rig.root)).filter(name => name.includes('unpacking')),
    [],
  )
})

test('commands for Kubernetes clusters say that this agent has none', async t => {
  const rig = await createRig(t)
  for (const name of [
    'register-k8s-target',
    'register-k8s-worker',
    'register-k8s-cluster',
    'migrate-preinstalled-k8s-config',
  ]) {
    const { exitCode, stdout, stderr } = await rig.run([name, '--anything', 'at all', '--apiKey=API-SECRET'])
    assert.deepEqual([exitCode, stdout], [1, ''])
    assert.match(stderr, /Kubernetes/)
    assert.doesNotMatch(stderr, /SECRET/)
    assert.equal((await rig.run([name, '--help'])).exitCode, 0)
  }
})
