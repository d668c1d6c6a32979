import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startTestAgent, type TestAgent, type TestAgentOptions, until } from '@tentacle/testkit'
import { isServerError } from '../src/errors.ts'
import type { Environment } from '../src/model/environment.ts'
import type { Machine } from '../src/model/machine.ts'
import type { Project } from '../src/model/project.ts'
import type { ServerTask } from '../src/model/task.ts'
import {
  addMachine,
  addSpace,
  finished,
  logOf,
  newServerHome,
  startTestServer,
  type TestServer,
  treeOf,
} from './task-server.ts'
import {
  action,
  addPackage,
  addProject,
  deployerExecutable,
  deployPackage,
  deployProject,
  ownCapabilities,
  script,
  step,
} from './test-project.ts'

interface Setting {
  readonly server: TestServer
  readonly environment: Environment
  /** Starts one of our own agents (with a deployer) and registers it. */
  target(
    name: string,
    more?: Partial<Machine> & { readonly options?: Partial<TestAgentOptions> },
  ): Promise<TestAgent>
  /** Deploys and waits. */
  deploy(project: Project): Promise<ServerTask>
}

async function setUp(t: TestContext): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder)
  const server = await startTestServer(home)
  const executable = await deployerExecutable(folder)
  const closing = [() => rm(folder, { recursive: true }), () => server.stop()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
    assert.deepEqual(server.errors, [])
  })
  const { environment } = await addSpace(server.store)
  return {
    server,
    environment,
    async target(name, { options = {}, ...more } = {}) {
      const { thumbprint: trust } = home.certificate
      const agent = await startTestAgent({ trust, capabilities: ownCapabilities, executable, ...options })
      closing.push(() => agent.stop())
      await addMachine(server.store, agent, { name, environment, ...more })
      return agent
    },
    async deploy(project) {
      const { taskId } = await deployProject(server, project, environment)
      return finished(server.store, taskId, 60_000)
    },
  }
}

/** Lines of a log without the verbose ones. */
async function loud(server: TestServer, task: ServerTask): Promise<readonly string[]> {
  return (await logOf(server.store, task.id)).filter(line => !line.includes(' | Verbose | '))
}

describe('a deployment', () => {
  test('brings a package to every machine with the role and deploys it there', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    const agents = [await target('web01'), await target('web02')]
    await target('db01', { roles: ['db'] })
    await addPackage(server.packages, environment.spaceId, 'Acme.Web.1.2.3.zip', [
      {
        name: 'deploy.sh',
        content:
          'echo "Deploying to $(get_octopusvariable Octopus.Environment.Name) for $(get_octopusvariable Customer)"\n',
        mode: 0o755,
      },
      { name: 'config.json', content: '{"Name": "#{Octopus.Machine.Name}"}' },
    ])
    const project = await addProject(
      server,
      environment,
      [
        step([
          deployPackage('Deploy web', 'Acme.Web', {
            'Octopus.Action.EnabledFeatures': 'Octopus.Features.SubstituteInFiles',
            'Octopus.Action.SubstituteInFiles.TargetFiles': 'config.json',
          }),
        ]),
        step([
          script(
            'Greet',
            'echo "it is in $(get_octopusvariable "Octopus.Action[Deploy web].Output.Package.InstallationDirectoryPath")"',
          ),
        ]),
      ],
      [{ name: 'Customer', value: '#{Octopus.Environment.Name | ToUpper} people' }],
    )
    const task = await deploy(project)
    assert.equal(task.state, 'Success', (await logOf(server.store, task.id)).join('\n'))
    assert.deepEqual(await treeOf(server.store, task.id), [
      'Deploy Shop release 0.0.1 to Dev: Success',
      '  Acquire packages: Success',
      '    Acme.Web 1.2.3 to web01: Success',
      '    Acme.Web 1.2.3 to web02: Success',
      '  Step 1: Deploy web: Success',
      '    web01: Success',
      '    web02: Success',
      '  Step 2: Greet: Success',
      '    web01: Success',
      '    web02: Success',
    ])
    const log = await loud(server, task)
    for (const [index, agent] of agents.entries()) {
      const name = `web0${index + 1}`
      const folder = join(agent.home, 'Applications', 'Dev', 'Acme.Web', '1.2.3')
      assert.equal(await readFile(join(folder, 'config.json'), 'utf8'), `{"Name": "${name}"}`)
      assert.ok(log.includes(`${name} | Info | Deploying to Dev for DEV people`), log.join('\n'))
      assert.ok(log.includes(`${name} | Info | it is in ${folder}`), log.join('\n'))
      assert.match(agent.uploads.join(), /^Files\/Acme\.Web@S1\.2\.3@[0-9A-F]{32}\.zip$/)
      // The package look-up, the deployment and the script; all folders are gone.
      assert.equal(agent.scripts.started.length, 3)
      for (const { ticket } of agent.scripts.started) {
        assert.equal(existsSync(join(agent.home, 'Work', ticket)), false)
      }
    }
    const [deployment] = (await server.store.deployments.list()).items
    assert.equal(deployment?.deployedToMachineIds.length, 2)
    assert.equal(deployment?.failureEncountered, false)
  })

  test('deployment 7.26: sends nothing the second time; 7.27: a damaged copy is sent again', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    const agent = await target('web01')
    await addPackage(server.packages, environment.spaceId, 'Acme.Web.1.2.3.zip', [
      { name: 'a.txt', content: 'a' },
    ])
    const project = await addProject(server, environment, [step([deployPackage('Deploy web', 'Acme.Web')])])
    assert.equal((await deploy(project)).state, 'Success')
    const second = await deploy(project)
    assert.equal(second.state, 'Success')
    assert.equal(agent.uploads.length, 1)
    assert.ok((await loud(server, second)).some(line => line.includes('web01 has Acme.Web 1.2.3 already')))
    await writeFile(join(agent.home, agent.uploads[0] ?? ''), 'damaged')
    assert.equal((await deploy(project)).state, 'Success')
    assert.equal(agent.uploads.length, 2)
  })

  test('deployment 7.48: after a failure Success steps are skipped, Failure and Always steps run', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    await target('web01')
    const project = await addProject(server, environment, [
      step([script('Break', 'echo before; exit 4')]),
      step([script('Next', 'echo never')]),
      step([script('Tidy', 'echo "because: #{Octopus.Deployment.Error}"')], { condition: 'Failure' }),
      step([script('Report', 'echo "break: #{Octopus.Step[Break].Status.Code}"')], { condition: 'Always' }),
    ])
    const task = await deploy(project)
    assert.equal(task.state, 'Failed')
    assert.match(task.errorMessage, /^Step 1 \(Break\) failed\. web01: .*exit code 4/)
    assert.deepEqual(
      (await treeOf(server.store, task.id)).filter(line => line.startsWith('  Step')),
      [
        '  Step 1: Break: Failed',
        '  Step 2: Next: Skipped',
        '  Step 3: Tidy: Success',
        '  Step 4: Report: Success',
      ],
    )
    const log = await loud(server, task)
    assert.ok(
      log.some(line => line.startsWith('web01 | Info | because: Step 1 (Break) failed')),
      log.join('\n'),
    )
    assert.ok(log.includes('web01 | Info | break: Failed'), log.join('\n'))
  })

  test('deployment 7.49: a condition per machine sees what the machine said before', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    await target('web01')
    await target('web02')
    const ask = script(
      'Ask',
      'if [ "#{Octopus.Machine.Name}" = web02 ]; then set_octopusvariable Go True; fi',
    )
    const act = {
      ...script('Act', 'echo acting', {
        'Octopus.Action.ConditionVariableExpression':
          '#{if Octopus.Action[Ask].Output[#{Octopus.Machine.Name}].Go == "True"}True#{/if}',
      }),
      condition: 'Variable' as const,
    }
    const project = await addProject(server, environment, [step([ask]), step([act])])
    const task = await deploy(project)
    assert.equal(task.state, 'Success', task.errorMessage)
    const log = await loud(server, task)
    assert.ok(log.includes('web02 | Info | acting'), log.join('\n'))
    assert.ok(!log.includes('web01 | Info | acting'), log.join('\n'))
  })

  test('deployment 7.46: with a window of 1 the machines take turns, each with all of its actions', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    for (const name of ['m1', 'm2', 'm3']) await target(name)
    const project = await addProject(server, environment, [
      step(
        [
          script('A1', 'echo "A1 #{Octopus.Machine.Name}"'),
          script('A2', 'echo "A2 #{Octopus.Machine.Name}"'),
        ],
        {
          name: 'Roll',
          properties: { 'Octopus.Action.MaxParallelism': '1' },
        },
      ),
    ])
    const task = await deploy(project)
    const order = (await loud(server, task)).flatMap(line => /\| Info \| (A\d m\d)$/.exec(line)?.[1] ?? [])
    assert.deepEqual(order, ['A1 m1', 'A2 m1', 'A1 m2', 'A2 m2', 'A1 m3', 'A2 m3'])
    assert.ok((await treeOf(server.store, task.id)).includes('      Step 1.2: A2: Success'))
  })

  test('deployment 7.47: steps that start with the previous one run at the same time', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    const agent = await target('web01')
    const meet = (own: string, other: string): string =>
      `touch "${agent.home}/${own}"; for i in $(seq 500); do [ -e "${agent.home}/${other}" ] && exit 0; sleep 0.02; done; exit 1`
    const project = await addProject(server, environment, [
      step([script('One', meet('one', 'two'))]),
      step([script('Two', meet('two', 'one'))], { startTrigger: 'StartWithPrevious' }),
    ])
    const task = await deploy(project)
    assert.equal(task.state, 'Success', task.errorMessage)
  })

  test('deployment 7.5: a sensitive variable reaches the script, and is in no log', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    const agent = await target('web01')
    const body = `printf %s "$(get_octopusvariable Password)" > "${agent.home}/got"; echo "It is #{Password}."`
    const project = await addProject(
      server,
      environment,
      [step([script('Use', body)])],
      [{ name: 'Password', value: 'swordfish', type: 'Sensitive' }],
    )
    const task = await deploy(project)
    assert.equal(task.state, 'Success', task.errorMessage)
    assert.equal(await readFile(join(agent.home, 'got'), 'utf8'), 'swordfish')
    const log = await logOf(server.store, task.id)
    assert.ok(log.includes('web01 | Info | It is ********.'), log.join('\n'))
    assert.ok(!log.some(line => line.includes('swordfish')))
  })

  test('runs scripts on any Tentacle, but deploys packages only where there is a deployer', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    const plain = await target('plain', {
      options: { capabilities: ['IScriptService', 'IFileTransferService', 'IScriptServiceV2'] },
    })
    await addPackage(server.packages, environment.spaceId, 'Acme.Web.1.0.zip', [
      { name: 'a.txt', content: 'a' },
    ])
    const scripts = await addProject(server, environment, [
      step([script('Set', 'set_octopusvariable Color blue')]),
      step([
        script(
          'Get',
          'echo "#{Octopus.Action[Set].Output.Color} $(get_octopusvariable Octopus.Release.Number)"',
        ),
      ]),
    ])
    const task = await deploy(scripts)
    assert.ok(
      (await loud(server, task)).includes('plain | Info | blue 0.0.1'),
      (await loud(server, task)).join('\n'),
    )
    const packaged = await addProject(server, environment, [step([deployPackage('Web', 'Acme.Web')])], [], {
      name: 'Packaged',
    })
    const refused = await deploy(packaged)
    assert.equal(refused.state, 'Failed')
    assert.match(refused.errorMessage, /has no deployer/)
    assert.deepEqual(plain.uploads, [])
    assert.ok((await treeOf(server.store, refused.id)).includes('  Step 1: Web: Skipped'))
  })

  test('runs a script out of a package', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    await target('web01')
    await addPackage(server.packages, environment.spaceId, 'Acme.Tools.2.0.zip', [
      { name: 'tools/check.sh', content: 'echo "checked by #{Octopus.Action.Package.PackageVersion}: $1"\n' },
    ])
    const fromPackage = {
      ...deployPackage('Check', 'Acme.Tools', {
        'Octopus.Action.Script.ScriptSource': 'Package',
        'Octopus.Action.Script.ScriptFileName': 'tools/check.sh',
        'Octopus.Action.Script.ScriptParameters': '"a b"',
      }),
      actionType: 'Octopus.Script',
    }
    const task = await deploy(await addProject(server, environment, [step([fromPackage])]))
    const log = await loud(server, task)
    assert.ok(log.includes('web01 | Info | checked by 2.0: a b'), log.join('\n'))
  })

  test('does nothing when a part of it cannot be carried out', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    const agent = await target('web01')
    const manual = action('Approve', { actionType: 'Octopus.Manual' })
    const one = await deploy(
      await addProject(server, environment, [step([script('A', 'echo a')]), step([manual])]),
    )
    assert.equal(one.state, 'Failed')
    assert.match(one.errorMessage, /'Approve' is of the type Octopus\.Manual/)
    const noTarget = step([script('B', 'echo b')], { properties: { 'Octopus.Action.TargetRoles': 'cache' } })
    const two = await deploy(await addProject(server, environment, [noTarget], [], { name: 'Two' }))
    assert.match(two.errorMessage, /no machine to deploy to.*cache/)
    assert.equal(agent.scripts.started.length, 0)
  })

  test('cancelled: what runs is ended, what waits does not start', async t => {
    const { server, environment, target } = await setUp(t)
    const agent = await target('web01')
    const project = await addProject(server, environment, [
      step([script('Wait', 'echo waiting; sleep 600')]),
      step([script('Never', 'echo never')], { condition: 'Always' }),
    ])
    const { taskId } = await deployProject(server, project, environment)
    await until('it waits', async () =>
      (await logOf(server.store, taskId)).some(line => line.endsWith('| waiting')),
    )
    await server.tasks.cancel(taskId)
    const task = await finished(server.store, taskId)
    assert.equal(task.state, 'Canceled')
    assert.deepEqual(await treeOf(server.store, taskId), [
      'Deploy Shop release 0.0.1 to Dev: Canceled',
      '  Step 1: Wait: Canceled',
      '    web01: Canceled',
      '  Step 2: Never: Canceled',
    ])
    assert.equal(agent.scripts.started.length, 1)
  })

  test('leaves out machines that are disabled, and the actions that are not for the environment', async t => {
    const { server, environment, target, deploy } = await setUp(t)
    await target('web01')
    await target('web02', { isDisabled: true })
    const elsewhere = { ...script('Elsewhere', 'echo no'), environments: ['Environments-9'] }
    const task = await deploy(
      await addProject(server, environment, [step([script('A', 'echo a')]), step([elsewhere])]),
    )
    assert.deepEqual(await treeOf(server.store, task.id), [
      'Deploy Shop release 0.0.1 to Dev: Success',
      '  Step 1: A: Success',
      '    web01: Success',
      '  Step 2: Elsewhere: Skipped',
    ])
    const log = await loud(server, task)
    assert.ok(
      log.some(line => line.includes('web02 was left out: it is disabled')),
      log.join('\n'),
    )
  })

  test('is made through its own resource only', async t => {
    const { server, environment } = await setUp(t)
    assert.equal(server.tasks.isPublic('Deploy'), false)
    const draft = { spaceId: environment.spaceId, name: 'Deploy', description: '', arguments: {} }
    await assert.rejects(server.tasks.create(draft), error => isServerError(error, 'ERR_INVALID_INPUT'))
  })
})
