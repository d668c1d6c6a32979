import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram } from './run-program.ts'

const options = { env: { PATH: '/usr/bin:/bin' } }

test('a program is over when it has ended, whoever holds its output still', async () => {
  const { exitCode, stdout } = await runProgram('sh', ['-c', 'sleep 600 & echo $!; exit 3'], options)
  process.kill(Number(stdout), 'SIGKILL')
  assert.equal(exitCode, 3)
})

test('a program that is not there is told by its name', async () => {
  await assert.rejects(runProgram('no-such-program', [], options), {
    code: 'ERR_PLATFORM',
    message: 'no-such-program cannot be started: it is not on the PATH of this machine.',
  })
})
