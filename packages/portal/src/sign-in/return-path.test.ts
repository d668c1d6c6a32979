import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathFromFragment, safeReturnPath } from './return-path.ts'

test('a path inside the portal is kept with its search', () => {
  assert.equal(safeReturnPath('/Spaces-1/tasks?state=Failed'), '/Spaces-1/tasks?state=Failed')
})

test('anything that leads elsewhere becomes the front page', () => {
  for (const path of [
    'https://evil.test/',
    '//evil.test',
    '/\\evil.test',
    'javascript:alert(1)',
    'x',
    '',
    undefined,
    7,
  ]) {
    assert.equal(safeReturnPath(path), '/', String(path))
  }
})

test('the sign-in page does not lead back to itself', () => {
  assert.equal(safeReturnPath('/sign-in'), '/')
  assert.equal(safeReturnPath('/sign-in?returnTo=/x'), '/')
})

test('addresses that clients print lead to the same page here', () => {
  assert.equal(pathFromFragment('#/Spaces-1/tasks/ServerTasks-7'), '/Spaces-1/tasks/ServerTasks-7')
  assert.equal(
    pathFromFragment('#/Spaces-1/infrastructure/machines/Machines-2/settings'),
    '/Spaces-1/infrastructure/machines/Machines-2/settings',
  )
})

test('a printed deployment leads to the short address of the deployment', () => {
  assert.equal(
    pathFromFragment('#/Spaces-1/projects/web-shop/deployments/releases/1.4.0/deployments/Deployments-3'),
    '/Spaces-1/deployments/Deployments-3',
  )
})

test('other fragments are not addresses', () => {
  assert.equal(pathFromFragment(''), undefined)
  assert.equal(pathFromFragment('#content'), undefined)
  assert.equal(pathFromFragment('#//evil.test'), '/')
})
