import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bootWine, type Wine, whyNoWine } from './wine.ts'

const why = whyNoWine()

describe('the agent as a Windows program', { skip: why ?? false }, () => {
  let wine: Wine
  before(async () => {
    wine = await bootWine()
  })
  after(() => wine?.shutDown())

  test('says its version and its help, and ends with the exit codes of the original', async () => {
    const version = await wine.tentacle('version', '--format=json')
    assert.equal(version.exitCode, 0, version.stderr)
    assert.match(String(JSON.parse(version.stdout).MajorMinorPatch), /^\d+\.\d+\.\d+$/)
    const help = await wine.tentacle('help', 'version')
    assert.match(help.stdout, /^Usage: Tentacle version /)
    assert.deepEqual(await wine.tentacle('nonsense'), {
      exitCode: 2,
      stdout: "See 'Tentacle help'\n",
      stderr: "Command 'nonsense' is not supported\n",
    })
    const leftOver = await wine.tentacle('version', '--nonsense')
    assert.deepEqual([leftOver.exitCode, leftOver.stdout], [1, ''])
  })
})
