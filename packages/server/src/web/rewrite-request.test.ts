import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type KnownSegments, rewriteRequest } from './rewrite-request.ts'

const known: KnownSegments = {
  global: new Set(['users', 'spaces', 'tasks', 'configuration']),
  inSpace: new Set(['machines', 'environments']),
}

function rewrite(url: string, prefix = '', method = 'GET', headers: Record<string, string> = {}) {
  const result = rewriteRequest({ method, url, headers }, prefix, known)
  return result && `${result.method} ${result.url} ${result.spaceText ?? '-'}`
}

const rows: readonly [url: string, result: string][] = [
  ['/api', 'GET /api -'],
  ['/api/', 'GET /api -'],
  ['/api/users/me', 'GET /api/users/me -'],
  ['/api/Spaces-1', 'GET /api/Spaces-1 Spaces-1'],
  ['/api/Spaces-1/machines/all?thumbprint=AB', 'GET /api/Spaces-1/machines/all?thumbprint=AB Spaces-1'],
  ['/api/machines', 'GET /api/~/machines ~'],
  ['/api/MACHINES/', 'GET /api/~/MACHINES ~'],
  ['/api/Spaces-1/tasks?ids=1', 'GET /api/tasks?ids=1 Spaces-1'],
  ['/api/Spaces-1/Tasks/ServerTasks-1/cancel', 'GET /api/Tasks/ServerTasks-1/cancel Spaces-1'],
  ['/api/spaces/Spaces-1', 'GET /api/spaces/Spaces-1 -'],
  ['/api/spaces/all', 'GET /api/spaces/all -'],
  ['/api/spaces/Spaces-1/tasks/ServerTasks-1/cancel', 'GET /api/tasks/ServerTasks-1/cancel Spaces-1'],
  ['/api/Spaces/Spaces-1/machines', 'GET /api/Spaces-1/machines Spaces-1'],
  ['/api/My%20space/machines', 'GET /api/My%20space/machines My space'],
  ['/api/certificates/certificate-global', 'GET /api/configuration/certificates/certificate-global -'],
  ['/api/machines?partialName=Fire+Project', 'GET /api/~/machines?partialName=Fire%20Project ~'],
  ['/api/machines?name=C%2B%2B', 'GET /api/~/machines?name=C%2B%2B ~'],
  ['/app/assets/index.js', 'GET /app/assets/index.js -'],
]
for (const [url, result] of rows) {
  test(`${url} is routed as ${result}`, () => assert.equal(rewrite(url), result))
}

test('a prefix is taken off, in any case, and addresses outside of it are refused', () => {
  assert.equal(rewrite('/octopus/api/users/me', '/octopus'), 'GET /api/users/me -')
  assert.equal(rewrite('/Octopus/api', '/octopus'), 'GET /api -')
  assert.equal(rewrite('/octopus', '/octopus'), 'GET / -')
  assert.equal(rewrite('/octopus?x=1', '/octopus'), 'GET /?x=1 -')
  assert.equal(rewrite('/octopussy/api', '/octopus'), undefined)
  assert.equal(rewrite('/api', '/octopus'), undefined)
})

test('the verb in the header counts for a POST only', () => {
  const header = (value: string) => ({ 'x-http-method-override': value })
  assert.equal(
    rewrite('/api/machines/Machines-1', '', 'POST', header('DELETE')),
    'DELETE /api/~/machines/Machines-1 ~',
  )
  assert.equal(
    rewrite('/api/machines/Machines-1', '', 'POST', header('put')),
    'PUT /api/~/machines/Machines-1 ~',
  )
  assert.equal(rewrite('/api/machines', '', 'POST', header('TRACE')), 'POST /api/~/machines ~')
  assert.equal(rewrite('/api/machines', '', 'GET', header('DELETE')), 'GET /api/~/machines ~')
})

test('whatever address comes, something is answered', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('', '/octopus'), (text, prefix) => {
      const result = rewriteRequest(
        { method: 'GET', url: `${prefix}/api/${text}`, headers: {} },
        prefix,
        known,
      )
      assert.ok(result?.url.startsWith('/api'))
    }),
  )
})
