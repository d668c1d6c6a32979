import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StandInServices } from '../../test/stand-in-windows.ts'
import { createLog } from '../logging/log.ts'
import type { ServiceDefinition } from './service-definition.ts'
import { createTaskArguments, deleteTaskArguments } from './watchdog-task.ts'
import { WindowsServices, windowsServiceName } from './windows-services.ts'

const service: ServiceDefinition = {
  instance: 'Second One',
  configPath: 'C:\\Octopus\\Second.config',
  executable: 'C:\\Program Files\\Octopus Deploy\\Tentacle\\Tentacle.exe',
  account: 'CORP\\deploy',
  password: 'secret1',
  dependsOn: 'MSSQLSERVER',
  environment: {},
}
const name = 'OctopusDeploy Tentacle: Second One'

function place(isElevated = true) {
  const control = new StandInServices()
  const lines: string[] = []
  const log = createLog([(level, text) => lines.push(`${level} ${text}`)], 'info')
  return { control, lines, services: new WindowsServices({ isElevated, control, log }) }
}

test('tentacle 12.66: a Windows service has the name, command and dependencies of the original', async () => {
  assert.equal(windowsServiceName(undefined), 'OctopusDeploy Tentacle')
  assert.equal(windowsServiceName('tentacle'), 'OctopusDeploy Tentacle')
  const { control, services, lines } = place()
  await services.install(service)
  assert.deepEqual(control.services.get(name)?.settings, {
    displayName: name,
    description: 'Octopus Deploy: Tentacle deployment agent',
    command: '"C:\\Program Files\\Octopus Deploy\\Tentacle\\Tentacle.exe" run --instance="Second One"',
    dependencies: ['LanmanWorkstation', 'TCPIP', 'MSSQLSERVER'],
    account: 'CORP\\deploy',
    password: 'secret1',
    restartPausesMs: [5000, 30_000, 60_000],
    environment: {},
  })
  assert.deepEqual(lines, ['info Service installed', 'info Service credentials set'])
})

test('tentacle 12.66: an account gets the right to log on as a service, unless it is one of Windows itself', async () => {
  const { control, services } = place()
  await services.install(service)
  for (const account of ['NT AUTHORITY\\NetworkService', 'LocalSystem', undefined, '.\\deploy'])
    await services.reconfigure({ ...service, account, password: undefined })
  assert.deepEqual(control.mayLogOn, ['CORP\\deploy', '.\\deploy'])
})

test('tentacle 12.66: a service that exists is reconfigured, and one that is gone counts as uninstalled', async () => {
  const { control, services, lines } = place()
  await services.install(service)
  lines.length = 0
  await services.install({ ...service, dependsOn: undefined })
  assert.deepEqual(lines, ['info Service reconfigured', 'info Service credentials set'])
  assert.deepEqual(control.services.get(name)?.settings.dependencies, ['LanmanWorkstation', 'TCPIP'])
  await services.uninstall(service.instance)
  await services.uninstall(service.instance)
  assert.equal(control.services.size, 0)
})

test('tentacle 12.66: a running service is stopped before it is removed', async () => {
  const { services, lines } = place()
  await services.install({ ...service, account: undefined })
  await services.start(service.instance)
  await services.uninstall(service.instance)
  assert.deepEqual(lines, [
    'info Service installed',
    'info Service started',
    'info Stopping service...',
    'info Service stopped',
    'info Service uninstalled',
  ])
})

test('tentacle 12.66: only a service that runs is restarted', async () => {
  const { services, lines } = place()
  await services.install({ ...service, account: undefined })
  await services.restart(service.instance)
  assert.equal(lines.at(-1), `info The service ${name} does not run, so it is not restarted`)
  await services.start(service.instance)
  lines.length = 0
  await services.restart(service.instance)
  assert.deepEqual(lines, [
    `info Restarting service ${name}`,
    'info Stopping service...',
    'info Service stopped',
    'info Service started',
  ])
})

test('tentacle 12.66: a start that is refused is tried again, unless it is for good', async () => {
  const { control, services, lines } = place()
  await services.install({ ...service, account: undefined })
  control.refusals = [1053]
  await services.start(service.instance)
  assert.deepEqual(lines.slice(1), [
    'warn Refused (Windows error 1053). Trying again',
    'info Service started',
  ])
  control.refusals = [1069]
  await assert.rejects(services.start(service.instance), { code: 'ERR_SERVICE', message: /1069/ })
})

test('tentacle 12.66: failures say why', async () => {
  const { control, services } = place()
  await assert.rejects(services.stop('x'), { code: 'ERR_SERVICE', message: /1060/ })
  await services.install(service)
  control.afterStart = 'STOPPED'
  await assert.rejects(services.start(service.instance), {
    code: 'ERR_SERVICE',
    message: /^The service .*Second One could not be started: it has ended at once\./,
  })
  control.refusals = [1052]
  await assert.rejects(services.stop(service.instance), { message: 'The service is not able to stop' })
  await assert.rejects(place(false).services.install(service), { message: /administrator/ })
})

test('tentacle 12.12: the watchdog is a task of the system that runs checkservices', () => {
  assert.deepEqual(createTaskArguments({ executable: 'C:\\T\\Tentacle.exe', interval: 5, instances: '*' }), [
    '/Create',
    ...['/TN', 'Octopus Watchdog Tentacle'],
    ...['/TR', '"C:\\T\\Tentacle.exe" checkservices --instances "*"'],
    ...['/SC', 'MINUTE', '/MO', '5', '/RU', 'SYSTEM', '/RL', 'HIGHEST', '/F'],
  ])
  assert.deepEqual(deleteTaskArguments(), ['/Delete', '/TN', 'Octopus Watchdog Tentacle', '/F'])
})
