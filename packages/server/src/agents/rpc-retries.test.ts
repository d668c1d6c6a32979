import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { shuttingDownMessage } from '@tentacle/contracts'
import { type CallOptions, HalibutError } from '@tentacle/halibut'
import { callWithRetries, type RetryRules } from './rpc-retries.ts'

const refused = new HalibutError('ERR_CONNECT', 'connection refused', {
  details: { connectionState: 'connecting' },
})

/** A call that fails with these errors, one after another, and then succeeds. */
function failing(...errors: readonly unknown[]) {
  const attempts: CallOptions[] = []
  const run = async (options: CallOptions): Promise<string> => {
    const error = errors[attempts.length]
    attempts.push(options)
    if (error !== undefined) throw error
    return 'done'
  }
  return { attempts, run }
}

function reporting() {
  const reports: string[] = []
  return {
    reports,
    call: {
      signal: new AbortController().signal,
      report: async (category: string, text: string) => void reports.push(`${category}: ${text}`),
    },
  }
}

const patient: RetryRules = { enabled: true, durationMs: 60_000 }

describe('a call to a Tentacle', () => {
  test('tentacle 12.58: is repeated when the network failed, and the task log tells of it', async () => {
    const { attempts, run } = failing(refused)
    const { reports, call } = reporting()
    assert.equal(await callWithRetries('GetStatus', run, patient, call), 'done')
    assert.equal(attempts.length, 2)
    assert.equal(attempts[0]?.timeoutMs, undefined)
    assert.ok((attempts[1]?.timeoutMs ?? 0) <= 59_000)
    assert.deepEqual(reports, [
      'Info: A call to the Tentacle failed. Attempt 2 follows in 1 second; 60 seconds are left for it.',
      'Verbose: The call of GetStatus failed: connection refused',
    ])
  })

  test('is repeated when the Tentacle was about to stop: its successor answers', async () => {
    const stopping = new HalibutError('ERR_SERVICE_INVOCATION', 'x', {
      details: { remoteMessage: shuttingDownMessage },
    })
    const { attempts, run } = failing(stopping)
    assert.equal(await callWithRetries('GetStatus', run, patient, reporting().call), 'done')
    assert.equal(attempts.length, 2)
  })

  test('is not repeated when the same would happen again', async () => {
    for (const code of ['ERR_SERVICE_INVOCATION', 'ERR_UNTRUSTED_PEER', 'ERR_SERVICE_NOT_FOUND'] as const) {
      const { attempts, run } = failing(new HalibutError(code, 'no'))
      const { reports, call } = reporting()
      await assert.rejects(callWithRetries('X', run, patient, call), { code })
      assert.equal(attempts.length, 1)
      assert.deepEqual(reports, [])
    }
  })

  test('tentacle 12.59: gives up when the time is over, with the error of the network and not a time-out', async () => {
    const timeout = new HalibutError('ERR_TIMEOUT', 'ran out of time')
    const { attempts, run } = failing(refused, timeout, refused)
    const { reports, call } = reporting()
    await assert.rejects(callWithRetries('X', run, { enabled: true, durationMs: 2_500 }, call), refused)
    assert.equal(attempts.length, 2)
    assert.match(reports.join('\n'), /could not be reached for 1 second/)
  })

  test('is not repeated when the policy says so', async () => {
    const { attempts, run } = failing(refused)
    await assert.rejects(
      callWithRetries('X', run, { enabled: false, durationMs: 60_000 }, reporting().call),
      refused,
    )
    assert.equal(attempts.length, 1)
  })

  test('ends while it waits for the next attempt when it is given up', async () => {
    const giveUp = new AbortController()
    const { attempts, run } = failing(refused, refused, refused)
    const report = async (): Promise<void> => giveUp.abort()
    await assert.rejects(callWithRetries('X', run, patient, { signal: giveUp.signal, report }))
    assert.equal(attempts.length, 1)
  })
})
