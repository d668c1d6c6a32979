import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeExitCode, scriptExitCodes } from './script-exit-codes.ts'

test('the exit codes of the agent have the numbers that servers know', () => {
  assert.deepEqual(scriptExitCodes, {
    fatal: -41,
    shellNotStarted: -42,
    cancelledWhileWaiting: -43,
    mutexTimedOut: -44,
    unknownScript: -45,
    unknownResult: -46,
    powerShellNeverStarted: -47,
    kubernetesPodNotFound: -81,
    cancelled: -1,
  })
})

test('exit codes of the agent are explained, those of scripts are not', () => {
  for (const code of [-41, -42, -43, -44, -45, -46, -47, -81]) assert.ok(describeExitCode(code), String(code))
  for (const code of [0, 1, -1, 127, 137, -48]) assert.equal(describeExitCode(code), undefined)
})
