import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createHalibut, parseThumbprint } from '@tentacle/halibut'
import { serverCertificate } from './agent-rig.ts'
import { createAgentRig, demand, pollFrom, runCheck, type Shown, serverThumbprint } from './check-rig.ts'

const onLinux = process.platform === 'linux' ? {} : { skip: 'only Linux tells about processes and firewalls' }

describe('check of the firewall', onLinux, () => {
  /** Puts a program in front of the others that answers as a firewall does. */
  async function withFirewall(t: TestContext, name: string, script: string, configure: readonly string[]) {
    const rig = await createAgentRig(t)
    await rig.write(`tools/${name}`, `#!/bin/sh\n${script}\n`)
    await chmod(rig.at('tools', name), 0o755)
    await demand(rig, 'configure', '--instance=T', `--trust=${serverThumbprint}`, ...configure)
    return {
      rig,
      firewall: async () => (await runCheck(rig, [], { env: { PATH: rig.at('tools') } })).of('firewall'),
    }
  }

  const drops = 'table inet f { chain in { type filter hook input priority 0; policy drop;'

  test('warns of rules that drop what comes in and do not name the port', async t => {
    const { rig, firewall } = await withFirewall(t, 'nft', `echo '${drops} tcp dport 22 accept } }'`, [
      '--port=10955',
    ])
    const found = await firewall()
    assert.equal(found.Status, 'warning')
    assert.match(found.Detail, /nftables is active and drops.*port 10955/)
    await demand(rig, 'configure', '--instance=T', '--port=22')
    assert.equal((await firewall()).Status, 'ok')
  })

  test('knows ufw, firewalld and iptables', async t => {
    const ufw = await withFirewall(t, 'ufw', 'echo "Status: active"; echo "22/tcp ALLOW Anywhere"', [
      '--port=10955',
    ])
    assert.match((await ufw.firewall()).Next ?? '', /ufw allow 10955\/tcp/)
    const firewalld = await withFirewall(
      t,
      'firewall-cmd',
      'echo "public (active)"; echo "  ports: 10955/tcp"',
      ['--port=10955'],
    )
    assert.equal((await firewalld.firewall()).Status, 'ok')
    const iptables = await withFirewall(t, 'iptables', 'echo "-P INPUT DROP"', ['--port=10955'])
    assert.equal((await iptables.firewall()).Status, 'warning')
  })

  test('says that it may not look, and that one which is off is not in the way', async t => {
    const hidden = await withFirewall(t, 'nft', 'echo "Operation not permitted" >&2; exit 1', [
      '--port=10955',
    ])
    const { Status: status, Next: next } = await hidden.firewall()
    assert.deepEqual([status, next], ['skipped', 'Run the check as root to have it looked at.'])
    const off = await withFirewall(t, 'firewall-cmd', 'echo "FirewallD is not running" >&2; exit 252', [
      '--port=10955',
    ])
    assert.equal((await off.firewall()).Status, 'ok')
  })
})

test('check finds the process of a polling agent and its connections', onLinux, async t => {
  const certificate = await serverCertificate()
  const connected = Promise.withResolvers<void>()
  const rig = await createAgentRig(t)
  const halibut = createHalibut({
    certificate,
    trust: [parseThumbprint((await rig.run(['show-thumbprint', '--instance=T'])).stdout)],
    observer: { subscriberConnected: () => connected.resolve() },
  })
  t.after(() => halibut.close())
  const { port } = await halibut.listen({ port: 0, host: '127.0.0.1' })

  const program = join(import.meta.dirname, '../bin/Tentacle')
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-check-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TentacleMachineConfigurationHomeDirectory: join(folder, 'index'),
    DefaultLogDirectory: join(folder, 'logs'),
  }
  // The secrets of the rig are sealed with another key than this machine's, so the certificate is imported again.
  const config = rig.at('home/T.config')
  const certificateFile = join(import.meta.dirname, 'fixtures/files/agent.pfx')
  await pollFrom(rig, `https://127.0.0.1:${port}`, certificate.thumbprint)
  const run = (args: readonly string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>(resolve => {
      execFile(program, [...args, '--config', config], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })
  assert.equal((await run(['import-certificate', '--from-file', certificateFile])).code, 0)

  const agent = spawn(program, ['run', '--config', config, '--noninteractive'], {
    cwd: folder,
    env,
    stdio: 'ignore',
  })
  t.after(() => end(agent))
  await connected.promise
  const { code, stdout } = await run(['check', '--format=json'])
  const checks: Shown[] = JSON.parse(stdout).Checks
  const detailOf = (id: string) => checks.find(({ Id }) => Id === id)?.Detail ?? ''
  assert.equal(code, 0, stdout)
  assert.match(detailOf('service'), new RegExp(`The agent runs.*It is process ${agent.pid}\\.`))
  assert.equal(detailOf('connection'), `Process ${agent.pid} holds one connection to it.`)
})

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
