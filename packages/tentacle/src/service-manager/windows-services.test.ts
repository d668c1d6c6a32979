import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../logging/log.ts'
import type { ProgramEnd } from './run-program.ts'
import type { ServiceDefinition } from './service-definition.ts'
import { createTaskArguments, deleteTaskArguments } from './watchdog-task.ts'
import { installCalls, parseState, WindowsServices, windowsServiceName } from './windows-services.ts'

const service: ServiceDefinition = {
  instance: 'Second One',
  configPath: 'C:\\Octopus\\Second.config',
  executable: 'C:\\Program Files\\Octopus Deploy\\Tentacle\\Tentacle.exe',
  account: 'CORP\\deploy',
  password: 'secret1',
  dependsOn: 'MSSQLSERVER',
  environment: {},
}

const query = (state: string) =>
  `SERVICE_NAME: x\r\n        TYPE               : 10  WIN32_OWN_PROCESS\r\n        STATE              : 4  ${state}\r\n`

/** A service controller that answers in order, and what it was asked. */
function controller(answers: readonly Partial<ProgramEnd>[], isElevated = true) {
  const calls: string[] = []
  const lines: string[] = []
  const left = [...answers]
  const services = new WindowsServices({
    isElevated,
    log: createLog([(level, text) => lines.push(`${level} ${text}`)], 'info'),
    run: async (program, args) => {
      calls.push([program, ...args].join('|'))
      return { exitCode: 0, stdout: '', stderr: '', ...left.shift() }
    },
  })
  return { services, calls, lines }
}

test('tentacle 12.66: a Windows service has the name, command and dependencies of the original', () => {
  assert.equal(windowsServiceName(undefined), 'OctopusDeploy Tentacle')
  assert.equal(windowsServiceName('tentacle'), 'OctopusDeploy Tentacle')
  const name = 'OctopusDeploy Tentacle: Second One'
  assert.deepEqual(installCalls(service), [
    [
      ...['create', name],
      ...[
        'binPath=',
        '"C:\\Program Files\\Octopus Deploy\\Tentacle\\Tentacle.exe" run --instance="Second One"',
      ],
      ...['DisplayName=', name],
      ...['depend=', 'LanmanWorkstation/TCPIP/MSSQLSERVER'],
      ...['start=', 'auto'],
      ...['obj=', 'CORP\\deploy', 'password=', 'secret1'],
    ],
    ['description', name, 'Octopus Deploy: Tentacle deployment agent'],
    ['failure', name, 'reset=', '86400', 'actions=', 'restart/5000/restart/30000/restart/60000'],
    ['failureflag', name, '1'],
  ])
})

test('tentacle 12.66: a service that exists is reconfigured, and one that is gone counts as uninstalled', async () => {
  const existing = controller([{ exitCode: 1073 }])
  await existing.services.install(service)
  assert.match(existing.calls[0] ?? '', /^sc\.exe\|create\|/)
  assert.match(existing.calls[1] ?? '', /^sc\.exe\|config\|/)
  assert.deepEqual(existing.lines.slice(0, 2), ['info Service reconfigured', 'info Service credentials set'])
  assert.doesNotMatch(existing.lines.join('\n'), /secret1/)

  const gone = controller([{ exitCode: 1060 }])
  await gone.services.uninstall('x')
  assert.deepEqual(gone.calls, ['sc.exe|query|OctopusDeploy Tentacle: x'])
})

test('tentacle 12.66: starting and stopping wait for the state, and failures say why', async () => {
  const starting = controller([{}, { stdout: query('START_PENDING') }, { stdout: query('RUNNING') }])
  await starting.services.start(undefined)
  assert.deepEqual(starting.lines, ['info Service started'])
  assert.equal(starting.calls.length, 3)

  const stopped = controller([{ exitCode: 1062 }, { stdout: query('STOPPED') }])
  await stopped.services.stop(undefined)
  assert.deepEqual(stopped.lines, ['info Stopping service...', 'info Service stopped'])

  const refused = controller([{ exitCode: 5, stdout: 'Access is denied.' }])
  await assert.rejects(refused.services.start(undefined), {
    code: 'ERR_SERVICE',
    message: /could not be started: sc\.exe ended with 5\. Access is denied\./,
  })
  await assert.rejects(controller([], false).services.install(service), { message: /administrator/ })
})

test('the state of a service is read from what sc.exe prints', () => {
  assert.equal(parseState(query('STOP_PENDING')), 'STOP_PENDING')
  assert.equal(parseState('nothing'), undefined)
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
