import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { defineService, HalibutError, type HalibutErrorCode, method, types } from '@tentacle/halibut'
import { EchoService, LockService, MultipleParametersService } from '../services/contracts.ts'
import type { Check } from './check.ts'

const UnknownService = defineService('INobodyHasThis', { nope: method([types.text], types.text) })
const WithUnknownMethod = defineService('IEchoService', { notThere: method([types.text], types.text) })

/** Waits for the rejection with this code. */
async function failsWith(code: HalibutErrorCode, call: Promise<unknown>, text?: string): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof HalibutError, String(error))
    assert.equal(error.code, code, error.message)
    if (text !== undefined) assert.equal(error.details.remoteMessage, text)
    return true
  })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Errors of the service, calls that do not exist, and calls at the same time. */
export const failureChecks: readonly Check[] = [
  {
    test: 'crash',
    run: remote =>
      failsWith('ERR_SERVICE_INVOCATION', remote.client(EchoService).crash(), 'Attempted to divide by zero.'),
  },
  {
    test: 'works-after-crash',
    run: async remote => assert.equal(await remote.client(EchoService).sayHello('x'), 'x...'),
  },
  {
    test: 'unknown-service',
    run: remote => failsWith('ERR_SERVICE_NOT_FOUND', remote.client(UnknownService).nope('x')),
  },
  {
    test: 'unknown-method',
    run: remote => failsWith('ERR_METHOD_NOT_FOUND', remote.client(WithUnknownMethod).notThere('x')),
  },
  {
    test: 'ambiguous-call',
    run: remote =>
      failsWith('ERR_AMBIGUOUS_METHOD', remote.client(MultipleParametersService).ambiguousText('a', null)),
  },
  {
    test: 'works-after-refused-calls',
    run: async remote => assert.equal(await remote.client(EchoService).sayHello('y'), 'y...'),
  },
  {
    test: '64-calls-at-once',
    async run(remote) {
      const service = remote.client(EchoService)
      const names = Array.from({ length: 64 }, (_, index) => `p${index}`)
      const answers = await Promise.all(names.map(name => service.sayHello(name)))
      assert.deepEqual(
        answers,
        names.map(name => `${name}...`),
      )
    },
  },
  {
    test: 'long-running-operation',
    run: async remote => assert.equal(await remote.client(EchoService).longRunningOperation(), 16),
  },
  {
    test: 'wait-for-file-to-be-deleted',
    run: async remote => {
      const folder = await mkdtemp(join(tmpdir(), 'halibut-peer-'))
      try {
        const [file, signal] = [join(folder, 'lock'), join(folder, 'started')]
        await writeFile(file, '')
        let isAnswered = false
        const call = remote
          .client(LockService)
          .waitForFileToBeDeleted(file, signal)
          .finally(() => {
            isAnswered = true
          })
        // A peer on another machine does not see the file and answers at once.
        while (!isAnswered && !(await exists(signal))) await delay(10)
        await rm(file)
        await call
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  },
  {
    test: 'cancelled-call',
    async run(remote) {
      const service = remote.client(EchoService)
      const cancel = new AbortController()
      const folder = await mkdtemp(join(tmpdir(), 'halibut-peer-'))
      try {
        const [file, signal] = [join(folder, 'lock'), join(folder, 'started')]
        await writeFile(file, '')
        const call = remote
          .client(LockService)
          .waitForFileToBeDeleted(file, signal, { signal: cancel.signal })
        const ended = call.then(
          () => 'answered',
          () => 'failed',
        )
        let outcome: string | undefined
        void ended.then(value => {
          outcome = value
        })
        while (outcome === undefined && !(await exists(signal))) await delay(10)
        if (outcome !== undefined) return
        cancel.abort()
        await failsWith('ERR_CANCELLED_TRANSFERRING', call)
        assert.equal(await service.sayHello('after'), 'after...')
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  },
]
