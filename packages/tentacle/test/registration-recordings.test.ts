import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { communicationStyles } from '../src/settings/trusted-servers.ts'
import { checklistPrefix } from './cli-checklist.ts'
import { readFlow, startFlowServer } from './recorded-flow.ts'
import { createRig } from './rig.ts'

/** The server that the recordings are of; it is what an agent trusts after it has registered. */
const serverThumbprint = 'A3B1C2D3E4F5061728394A5B6C7D8E9F00112233'
const agentThumbprint = '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'

/** Where a refusal is told by another exit code than the original's, and why. */
const otherExitCodes: Readonly<Record<string, number>> = {
  // a policy or proxy that the server does not have is a refusal, as for environments
  'refused-unknown-policy': 1,
  'refused-unknown-everything': 1,
}

const flows = readdirSync(join(import.meta.dirname, 'fixtures/server-api')).map(file =>
  file.replace('.jsonl', ''),
)

describe('the web API is called as the original calls it', () => {
  for (const name of flows) {
    const flow = readFlow(name)
    test(`${checklistPrefix(name)}${name}: ${flow.head.commands.length} command(s), ${flow.steps.length} requests`, async t => {
      const rig = await createRig(t)
      const fixture = join(import.meta.dirname, 'fixtures/files/agent.pfx')
      await rig.run([
        'create-instance',
        '--instance',
        'T',
        '--config',
        rig.at('T.config'),
        '--home',
        rig.root,
      ])
      await rig.run(['import-certificate', '--instance', 'T', '--from-file', fixture])
      const server = await startFlowServer(flow, agentThumbprint)
      t.after(() => server.close())

      const { commands, exitCode } = flow.head
      const codes = typeof exitCode === 'number' ? commands.map(() => exitCode) : exitCode
      for (const [index, command] of commands.entries()) {
        const outcome = await rig.run(argumentsOf(command, server.webPort, server.commsPort, name))
        assert.equal(outcome.exitCode, otherExitCodes[name] ?? codes[index], outcome.stdout + outcome.stderr)
      }
      server.assertAllCame()

      const { stdout } = await rig.run(['show-configuration', '--instance', 'T'])
      assert.deepEqual(
        trusted(stdout),
        flow.head.trustsAfter.map(entry => expected(entry, server.commsPort)),
      )
    })
  }
})

function argumentsOf(command: string, webPort: number, commsPort: number, flow: string): string[] {
  const folder = flow.includes('virtual-folder') ? '/octopus' : ''
  const line = command
    .replaceAll('{server}', `http://localhost:${webPort}${folder}`)
    .replaceAll('{commsPort}', String(commsPort))
    .replaceAll('{key}', 'API-TESTKEY')
    .replaceAll('{thumb}', serverThumbprint)
    .replaceAll('{password}', 'secret1')
    .replaceAll('{token}', 'token1234')
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  return words.slice(1)
}

function trusted(stdout: string): unknown[] {
  const { Tentacle } = JSON.parse(stdout)
  return Tentacle.Communication.TrustedOctopusServers.map((entry: Record<string, unknown>) => ({
    Thumbprint: entry.Thumbprint,
    CommunicationStyle: entry.CommunicationStyle,
    Address: entry.Address,
    SubscriptionId:
      entry.SubscriptionId === null ? null : /^poll:\/\/[b-z2-9]{20}\/$/.test(String(entry.SubscriptionId)),
  }))
}

function expected(
  entry: ReturnType<typeof readFlow>['head']['trustsAfter'][number],
  commsPort: number,
): unknown {
  const styles: Readonly<Record<string, number>> = communicationStyles
  return {
    Thumbprint: entry.Thumbprint,
    CommunicationStyle: styles[entry.CommunicationStyle],
    Address: entry.Address?.replace('{commsPort}', String(commsPort)) ?? null,
    SubscriptionId: entry.SubscriptionId === null ? null : true,
  }
}
