import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, win32 } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type ProcessOutput,
  ScriptServiceV2,
  type ScriptStatusResponseV2,
  type StartScriptCommandV2,
} from '@tentacle/contracts'
import { createCertificate, createHalibut, type Halibut, parseThumbprint } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { freePort } from '../check-rig.ts'
import { printed, startCommand, textsOf } from '../script-agent.ts'
import { installPowerShell, otherPowerShell, type StandIn, whyNoPowerShell } from './stand-in-powershell.ts'
import { bootWine, type Wine, type WineProcess } from './wine.ts'

const why = whyNoPowerShell()
const home = 'C:\\Octopus'
const marker = '# TENTACLE-POWERSHELL-STARTUP-DETECTION-AND-GUARD-MUST-BE-AT-THE-START-OF-THE-SCRIPT'
const lines = (...texts: string[]) => texts.join('\r\n')

describe('scripts on Windows', { skip: why ?? false, timeout: 600_000 }, () => {
  let wine: Wine
  let powerShell: StandIn
  let server: Halibut
  let thumbprint: string
  /** Wine does not tell which port it has chosen. */
  let port: number
  let agent: RunningAgent
  /** Of those that are started from now on. */
  let startLimit = '01:00:00'

  interface RunningAgent {
    readonly started: WineProcess
    readonly service: ReturnType<typeof openService>
  }

  const openService = () =>
    server.client(ScriptServiceV2, {
      baseUri: `https://127.0.0.1:${port}/`,
      thumbprint: parseThumbprint(thumbprint),
    })

  const start = async (): Promise<RunningAgent> => {
    const started = await wine.start(wine.program, ['run', '--instance', 'T', '--noninteractive'], {
      env: { TentaclePowerShellStartupTimeout: startLimit, WINEPATH: win32.dirname(otherPowerShell) },
    })
    await until(
      'the agent listens',
      async () => {
        const { stdout, stderr } = await started.output()
        if (started.process.exitCode !== null) throw new Error(`The agent has ended: ${stdout}${stderr}`)
        return stdout.includes('Agent listening on')
      },
      { timeoutMs: 60_000 },
    )
    return { started, service: openService() }
  }
  const kill = async ({ started }: RunningAgent) => {
    started.process.kill('SIGKILL')
    await started.end
  }
  const restart = async (limit = '01:00:00') => {
    await kill(agent)
    startLimit = limit
    agent = await start()
  }

  before(async () => {
    wine = await bootWine()
    powerShell = await installPowerShell(wine)
    const demand = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await wine.tentacle(...args)
      assert.equal(exitCode, 0, `${args.join(' ')}: ${stdout}${stderr}`)
      return stdout
    }
    const certificate = await createCertificate({ commonName: 'Test Server' })
    server = createHalibut({ certificate })
    port = await freePort()
    await demand('create-instance', '--instance=T', `--config=${home}\\T.config`, `--home=${home}`)
    await demand('new-certificate', '--instance=T')
    await demand(
      'configure',
      '--instance=T',
      `--port=${port}`,
      '--listenIpAddress=127.0.0.1',
      `--trust=${certificate.thumbprint}`,
    )
    thumbprint = (await demand('show-thumbprint', '--instance=T')).trim()
    agent = await start()
  })
  after(async () => {
    await server?.close()
    await wine?.shutDown()
  })

  const status = ({ scriptTicket: ticket }: StartScriptCommandV2, lastLogSequence = 0) =>
    agent.service.getStatus({ ticket, lastLogSequence })

  const follow = async (command: StartScriptCommandV2) => {
    const logs: ProcessOutput[] = []
    let after = 0
    const last = await until(
      'the script is complete',
      async (): Promise<ScriptStatusResponseV2 | undefined> => {
        const answer = await status(command, after)
        logs.push(...answer.logs)
        after = answer.nextLogSequence
        return answer.state === 'Complete' ? answer : undefined
      },
      { timeoutMs: 60_000 },
    )
    return { exitCode: last.exitCode, logs, command }
  }
  const begin = async (body: string, more: Partial<StartScriptCommandV2> = {}) => {
    const command = startCommand(body, more)
    await agent.service.startScript(command)
    return command
  }
  const run = async (body: string, more: Partial<StartScriptCommandV2> = {}) =>
    follow(await begin(body, more))
  const untilPrinted = (command: StartScriptCommandV2, count: number) =>
    until('the script has printed', async () => {
      const found = printed((await status(command)).logs)
      return found.length >= count && found
    })
  const at = ({ scriptTicket }: StartScriptCommandV2, name: string) =>
    join(wine.onLinux(`${home}\\Work`), scriptTicket.taskId, name)

  /** The numbers that Linux has given to programs of this Windows, by a part of their command line. */
  const processesWith = (...parts: readonly string[]) => {
    const prefix = `WINEPREFIX=${join(wine.onLinux('C:\\'), '..')}`
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .filter(pid => {
        const line = textOf(pid, 'cmdline').replaceAll('\0', ' ')
        return parts.some(part => line.includes(part)) && textOf(pid, 'environ').includes(prefix)
      })
      .map(Number)
  }

  /** The children that the stand-in starts have no end, so they are there or they were ended. */
  const children = () => processesWith('-Forever')

  test('a script has its output, folder, arguments, environment and exit code', async () => {
    const { exitCode, logs, command } = await run(
      lines(
        "Write-Output 'grüße, 世界'",
        "Write-Error 'it''s an error'",
        'Write-Output $args',
        'Write-Output $PWD',
        'Write-Output $env:TentacleHome',
        'Write-Output $env:TentacleVersion',
        'Read-Input',
        'exit 70000',
      ),
      { arguments: ['-Name', "'two words'"], scripts: new Map([['Bash', 'echo no']]) },
    )
    assert.equal(exitCode, 70_000)
    const [text, args, folder, ownHome, version, input] = printed(logs)
    assert.deepEqual([text, args], ['grüße, 世界', "-Name 'two words'"])
    assert.deepEqual([folder, ownHome], [`${home}\\Work\\${command.scriptTicket.taskId}`, home])
    assert.match(version ?? '', /^\d+\.\d+\.\d+/)
    assert.equal(input, '0')
    assert.deepEqual(textsOf(logs, 'StdErr'), ["it's an error"])
    assert.equal(textsOf(logs, 'Debug').length, 4)
    assert.match(textsOf(logs, 'Debug')[1] ?? '', /system32\\WindowsPowerShell\\v1\.0\\powershell\.exe$/i)
    assert.ok(readFileSync(at(command, 'Bootstrap.ps1'), 'utf8').startsWith('\uFEFFWrite-Output'))
    assert.ok(!existsSync(at(command, 'Bootstrap.sh')))
    await agent.service.completeScript({ ticket: command.scriptTicket })
    assert.ok(!existsSync(at(command, '')))
  })

  test('negative exit codes are negative', async () => {
    assert.equal((await run('exit -5')).exitCode, -5)
  })

  test('cancelling ends the whole tree, also what has left its parent', async () => {
    const command = await begin(
      lines('Start-Child', 'Start-Orphan', "Write-Output 'up'", "Wait-File 'never'"),
    )
    await untilPrinted(command, 3)
    assert.equal(children().length, 2)
    await agent.service.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 })
    const { exitCode } = await follow(command)
    assert.equal(exitCode, -1)
    assert.deepEqual(children(), [])
  })

  test('a script survives its agent: output, exit code, and the mutex that it holds', async () => {
    const isolation = 'FullIsolation'
    const command = await begin(
      lines("Write-Output 'before'", "Wait-File 'go'", "Write-Output 'after'", 'exit 6'),
      { isolation },
    )
    await untilPrinted(command, 1)
    await restart()
    assert.equal((await status(command)).state, 'Running')
    const next = await begin("Write-Output 'next'", { isolation })
    assert.equal((await status(next)).state, 'Pending')
    writeFileSync(at(command, 'go'), '')
    const { exitCode, logs } = await follow(command)
    assert.equal(exitCode, 6)
    assert.deepEqual(printed(logs), ['before', 'after'])
    assert.deepEqual(printed((await follow(next)).logs), ['next'])
  })

  test('an agent that was restarted ends a script of the one before it, with all that it has started', async () => {
    const command = await begin(lines('Start-Orphan', "Write-Output 'up'", "Wait-File 'never'"))
    await untilPrinted(command, 2)
    await restart()
    await agent.service.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 })
    assert.equal((await follow(command)).exitCode, -1)
    assert.deepEqual(children(), [])
  })

  test('a script whose keeper was killed goes on, and is -46 when it is gone', async () => {
    const command = await begin(lines("Write-Output 'up'", 'Start-Child', "Wait-File 'never'"))
    await untilPrinted(command, 2)
    const [keeper, ...others] = processesWith('--part keeper', 'keeper.cjs')
    assert.ok(keeper !== undefined && others.length === 0, `${keeper} ${others}`)
    process.kill(keeper, 'SIGKILL')
    await until('the keeper is gone', () => processesWith('--part keeper', 'keeper.cjs').length === 0)
    assert.equal((await status(command)).state, 'Running')
    await agent.service.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 })
    assert.equal((await follow(command)).exitCode, -1)
    assert.deepEqual(children(), [], 'the tree was found by the parents')
    assert.equal((await run('exit 4')).exitCode, 4, 'there is a new keeper')
  })

  test('list-scripts and --powerShellPath work as elsewhere', async () => {
    const command = await begin(lines("Write-Output 'up'", "Wait-File 'go'"))
    await untilPrinted(command, 1)
    const { stdout } = await wine.tentacle('list-scripts', '--instance=T', '--format=json')
    const list: unknown = JSON.parse(stdout)
    assert.ok(stdout.includes(command.scriptTicket.taskId), stdout)
    assert.ok(Array.isArray(list) && list.some(one => one.State === 'Running' && one.ProcessId > 0), stdout)
    writeFileSync(at(command, 'go'), '')
    await follow(command)
    await wine.tentacle('configure', '--instance=T', '--powerShellPath=C:\\none\\pwsh.exe')
    await restart()
    const { exitCode, logs } = await run('exit 0')
    assert.equal(exitCode, -42)
    assert.match(textsOf(logs, 'StdErr').join(), /by C:\\none\\pwsh\.exe, but there is no such program/)
    await wine.tentacle('configure', '--instance=T', '--powerShellPath=pwsh')
    await restart()
    const other = await run("Write-Output 'other'")
    assert.deepEqual(printed(other.logs), ['other'])
    assert.equal(textsOf(other.logs, 'Debug')[1], 'The shell is pwsh')
    await wine.tentacle('configure', '--instance=T', '--powerShellPath=default')
    await restart()
  })

  test('tentacle 12.68: PowerShell that does not come up is -47 in time, and cannot run the script later', async () => {
    for (const head of [marker, '']) {
      await powerShell.hold()
      const command = await begin(lines(head, "Write-Output 'late'"))
      await powerShell.held()
      await restart('00:00:00.001')
      const { exitCode, logs } = await follow(command)
      assert.equal(exitCode, -47)
      assert.deepEqual(printed(logs), [])
      await powerShell.letGo()
      await restart()
    }
    const { exitCode, logs, command } = await run(lines(marker, "Write-Output 'in time'", 'exit 3'))
    assert.equal(exitCode, 3)
    assert.deepEqual(printed(logs), ['in time'])
    assert.ok(existsSync(at(command, '.octopus_powershell_started')))
  })

  test('a script goes on while the service is stopped, and is complete when it is started again', async () => {
    await kill(agent)
    const service = async (...args: readonly string[]) => {
      const { exitCode, stdout, stderr } = await wine.tentacle('service', '--instance=T', ...args)
      assert.equal(exitCode, 0, `${stdout}${stderr}`)
    }
    await service('--install', '--start')
    const command = await begin(
      lines("Write-Output 'before'", "Wait-File 'go'", "Write-Output 'after'", 'exit 8'),
    )
    await untilPrinted(command, 1)
    await service('--stop')
    writeFileSync(at(command, 'go'), '')
    await until('it has ended', () => existsSync(at(command, '.tentacle/run/result')))
    await service('--start')
    const { exitCode, logs } = await follow(command)
    assert.equal(exitCode, 8)
    assert.deepEqual(printed(logs), ['before', 'after'])
    await service('--uninstall')
  })
})

function textOf(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return '' // ended meanwhile, or another account's
  }
}
