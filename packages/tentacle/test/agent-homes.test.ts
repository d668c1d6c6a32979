import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { takeOver } from './take-over.ts'

const homes = join(import.meta.dirname, 'fixtures/homes')

/** Ports of the recording may be taken here, so the agent listens on a free one; the environment comes before the file. */
const freePort = { OCTOPUS_CONTRIBUTE_ENV_SETTINGS: 'true', TENTACLE_SERVICE_PORT: '0' }

describe('existing installations are run', () => {
  for (const name of readdirSync(homes)) {
    test(`${name}: the agent starts with the recorded lines`, async t => {
      const { rig, expected, here } = await takeOver(t, name)
      const argv = ['run', '--instance', expected.instance, '--noninteractive']
      const command = rig.start(argv, { env: { ...freePort, PATH: process.env.PATH ?? '' } })
      await command.printed('LivenessHeartbeatTask.Start(): Starting')
      command.signal('SIGTERM')
      assert.equal((await command.ended).exitCode, 0)
      const lines = command.stdout().split('\n').map(withoutPort)
      for (const line of (expected.agentStartLines ?? []).map(here).map(withoutPort))
        assert.ok(lines.includes(line), line)
      if (expected.agentStartLines !== undefined) {
        const known = expected.agentStartLines.map(here).map(withoutPort)
        assert.deepEqual(
          lines.filter(line => known.includes(line)),
          known,
        )
      }
    })
  }

  test('old-settings: what the agent stores is what the original stored, to the byte', async t => {
    const { rig, expected, here } = await takeOver(t, 'old-settings')
    const command = rig.start(['run', '--instance', expected.instance, '--noninteractive'], { env: freePort })
    await command.printed('LivenessHeartbeatTask.Start(): Starting')
    command.signal('SIGTERM')
    await command.ended
    const stored = readFileSync(join(homes, 'old-settings/Tentacle.config.after-agent-start'), 'utf8')
    assert.equal(await rig.read('old-settings/Tentacle.config'), here(stored))
  })
})

/** `listen://127.0.0.1:10940/` and `Agent listening on: 127.0.0.1:10940` without what the system chose. */
function withoutPort(line: string): string {
  return line
    .replace(/^(listen:\/\/[^/]*:)\d+\/ +/, '$1PORT/ ')
    .replace(/^(Agent listening on: .*:)\d+$/, '$1PORT')
}
