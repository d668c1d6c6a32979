import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment } from '../api/projects.ts'
import { findLatestDeployments } from './latest-deployments.ts'

function deployment(id: string, projectId: string, environmentId: string, created: number): Deployment {
  return { id, projectId, environmentId, releaseId: `Releases-${id}`, taskId: `ServerTasks-${id}`, created }
}

test('each place shows its newest deployment, whatever the order of the list', () => {
  const all = [
    deployment('2', 'P1', 'E1', 20),
    deployment('1', 'P1', 'E1', 10),
    deployment('3', 'P1', 'E2', 5),
    deployment('4', 'P2', 'E1', 1),
    deployment('5', 'P2', 'E1', 2),
  ]
  for (const list of [all, all.toReversed()]) {
    const latest = findLatestDeployments(list)
    assert.equal(latest.at('P1', 'E1')?.id, '2')
    assert.equal(latest.at('P1', 'E2')?.id, '3')
    assert.equal(latest.at('P2', 'E1')?.id, '5')
    assert.equal(latest.at('P2', 'E2'), undefined)
    assert.deepEqual(latest.all.map(({ id }) => id).toSorted(), ['2', '3', '5'])
  }
})
