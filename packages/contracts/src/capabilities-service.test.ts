import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  agentCapabilities,
  capabilitiesOfOldAgents,
  deployerCapability,
  hasCapability,
} from './capabilities-service.ts'

test('tentacle 12.39: an agent names its three services, an old one is taken to have two', () => {
  assert.deepEqual(agentCapabilities, ['IScriptService', 'IFileTransferService', 'IScriptServiceV2'])
  assert.deepEqual(capabilitiesOfOldAgents, ['IScriptService', 'IFileTransferService'])
})

test('capabilities are looked up without regard to case', () => {
  const response = { supportedCapabilities: ['iscriptservicev2', deployerCapability] }
  assert.ok(hasCapability(response, 'IScriptServiceV2'))
  assert.ok(hasCapability(response, 'tentacledeployerv1'))
  assert.ok(!hasCapability(response, 'IScriptService'))
})
