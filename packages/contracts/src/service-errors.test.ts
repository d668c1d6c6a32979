import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HalibutError, type HalibutErrorCode } from '@tentacle/halibut'
import {
  isShuttingDown,
  isUnknownService,
  shuttingDownMessage,
  unknownServiceType,
} from './service-errors.ts'

function remote(code: HalibutErrorCode, remoteMessage: string, remoteDetails?: string): HalibutError {
  return new HalibutError(code, 'The service answered.', { details: { remoteMessage, remoteDetails } })
}

test('tentacle 12.38: a service that an agent does not have is known by the name of the exception', () => {
  const details = `${unknownServiceType}: The Tentacle does not know the service IScriptServiceV2\n   at X`
  assert.ok(isUnknownService(remote('ERR_REMOTE', 'unknown', details)))
  assert.ok(isUnknownService(remote('ERR_SERVICE_NOT_FOUND', 'Service not found: IScriptServiceV2')))
  assert.ok(
    !isUnknownService(remote('ERR_SERVICE_INVOCATION', 'disk full', 'System.IO.IOException: disk full')),
  )
  assert.ok(!isUnknownService(new Error(unknownServiceType)))
})

test('an agent that stops is not taken for one that lacks the service', () => {
  const error = remote('ERR_REMOTE', shuttingDownMessage, `${unknownServiceType}: ${shuttingDownMessage}`)
  assert.ok(isShuttingDown(error))
  assert.ok(!isUnknownService(error))
  assert.ok(!isShuttingDown(remote('ERR_REMOTE', 'something else')))
})
