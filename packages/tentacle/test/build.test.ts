import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, type TestContext, test } from 'node:test'
import { ScriptServiceV2 } from '@tentacle/contracts'
import { createHalibut, parseThumbprint } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { runScript, serverCertificate } from './agent-rig.ts'
import { printed as printedLines, startCommand } from './script-agent.ts'

const builder = join(import.meta.dirname, '../../../scripts/build-agent.mjs')

interface Outcome {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

function execute(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise(resolve => {
    execFile(file, [...args], { env, cwd: '/' }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    )
  })
}

/** An instance `T` of the built agent that trusts the test's server and listens on a free port. */
async function place(t: TestContext, folder: string) {
  const home = await mkdtemp(join(tmpdir(), 'tentacle-built-home-'))
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: home,
    TentacleMachineConfigurationHomeDirectory: join(home, 'index'),
    DefaultLogDirectory: join(home, 'logs'),
  }
  const program = join(folder, 'Tentacle')
  const run = async (...args: readonly string[]) => {
    const outcome = await execute(program, args, env)
    assert.equal(outcome.code, 0, outcome.stderr)
    return outcome.stdout
  }
  return { home, env, program, run }
}

describe('the built agent', () => {
  let folder = ''
  let complaints = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tentacle-built-'))
    complaints = (await execute(process.execPath, [builder, '--out', folder], process.env)).stderr
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('is a program with its code and licences, and replaces an earlier build only', async t => {
    assert.equal(complaints, '')
    const notices = await readFile(join(folder, 'THIRD-PARTY-NOTICES'), 'utf8')
    for (const name of ['@xmldom/xmldom', 'node-forge', 'tar-stream', 'undici', 'yaml', 'yauzl'])
      assert.match(notices, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'))
    assert.doesNotMatch(notices, /@tentacle\//)

    const mine = await mkdtemp(join(tmpdir(), 'tentacle-mine-'))
    t.after(() => rm(mine, { recursive: true, force: true }))
    await writeFile(join(mine, 'precious'), 'kept')
    const refused = await execute(process.execPath, [builder, '--out', mine], process.env)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /holds no earlier build, so nothing was written there/)
    assert.equal(await readFile(join(mine, 'precious'), 'utf8'), 'kept')
  })

  test('is not made for a system that it does not run on', async () => {
    const refused = await execute(process.execPath, [builder, '--platform', 'darwin-arm64'], process.env)
    assert.equal(refused.code, 1)
    assert.match(
      refused.stderr,
      /^The agent cannot be built for 'darwin-arm64'\. Leave --platform out, or give/,
    )
  })

  test('says the same as the agent that runs from its sources', async t => {
    const { env, program, run } = await place(t, folder)
    const sources = join(import.meta.dirname, '../bin/Tentacle')
    for (const args of [
      ['version'],
      ['help'],
      ['help', 'register-with', '--format=json'],
      ['nonsense'],
      ['check', '--nope'],
    ])
      assert.deepEqual(await execute(program, args, env), await execute(sources, args, env), args.join(' '))
    assert.match(await run('list-instances', '--format=json'), /^\[\]/)
  })

  test('opens certificates that need the certificate library', async t => {
    const { run } = await place(t, folder)
    await run('create-instance', '--instance=T', `--config=${join(folder, 'T.config')}`)
    t.after(() => rm(join(folder, 'T.config'), { force: true }))
    const pfx = join(import.meta.dirname, '../../halibut/test/fixtures/pfx/rc2-40.pfx')
    await run('import-certificate', '--instance=T', `--from-file=${pfx}`, '--pfx-password=secret1')
    assert.match(await run('show-thumbprint', '--instance=T'), /^741DEFBB71992C03568418896170EFDBDC9AD08F/)
  })

  test('runs scripts, which reach its deployer, and outlive it when it is killed', async t => {
    const { home, env, program, run } = await place(t, folder)
    const certificate = await serverCertificate()
    await run('create-instance', '--instance=T', `--config=${join(home, 'T.config')}`, `--home=${home}`)
    await run('new-certificate', '--instance=T')
    await run(
      'configure',
      '--instance=T',
      '--port=0',
      '--listenIpAddress=127.0.0.1',
      `--trust=${certificate.thumbprint}`,
    )
    const thumbprint = parseThumbprint((await run('show-thumbprint', '--instance=T')).trim())
    const halibut = createHalibut({ certificate })
    t.after(() => halibut.close())

    let agent = await startAgent(t, program, env)
    const endpoint = () => ({ baseUri: `https://127.0.0.1:${agent.port}/`, thumbprint, retryCountLimit: 1 })
    const { exitCode, printed } = await runScript(halibut, endpoint(), '"$TentacleExecutablePath" version')
    assert.equal(exitCode, 0)
    assert.equal(printed.at(-1), (await run('version')).trim())
    const helped = await runScript(
      halibut,
      endpoint(),
      `echo 'echo from the script' > s.sh; "$TentacleExecutablePath" run-script --script s.sh`,
    )
    assert.equal(helped.exitCode, 0, helped.printed.join('\n'))
    assert.match(helped.printed.join('\n'), /^from the script$/m)

    const command = startCommand('echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 5')
    await halibut.client(ScriptServiceV2, endpoint()).startScript(command)
    agent.process.kill('SIGKILL')
    await once(agent.process, 'exit')
    await writeFile(join(home, 'Work', command.scriptTicket.taskId, 'go'), '')
    agent = await startAgent(t, program, env)
    const service = halibut.client(ScriptServiceV2, endpoint())
    const status = await until('the script is complete', async () => {
      const status = await service.getStatus({ ticket: command.scriptTicket, lastLogSequence: 0 })
      return status.state === 'Complete' && status
    })
    assert.equal(status.exitCode, 5)
    assert.deepEqual(printedLines(status.logs), ['one', 'two'])
    await service.completeScript({ ticket: command.scriptTicket })
  })
})

async function startAgent(t: TestContext, program: string, env: NodeJS.ProcessEnv) {
  const child = spawn(program, ['run', '--instance=T', '--noninteractive'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`The agent ended with exit code ${code}.`)))
    createInterface({ input: child.stdout }).on('line', line => {
      const found = /Agent listening on: .*:(\d+)/.exec(line)
      if (found) resolve(Number(found[1]))
    })
  })
  return { process: child, port }
}
