import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Package } from '../api/packages.ts'
import { groupPackages } from './package-groups.ts'

function item(packageId: string, version: string, published: number): Package {
  return { id: `packages-${packageId}.${version}`, packageId, version, extension: '.zip', size: 1, published }
}

test('versions of one package stand together, newest upload first, packages by name', () => {
  const groups = groupPackages([
    item('Zeta', '1.0', 1),
    item('acme.web', '1.0', 1),
    item('Acme.Web', '2.0', 3),
    item('Acme.Web', '1.5', 2),
  ])
  assert.deepEqual(
    groups.map(({ packageId, versions }) => [packageId, ...versions.map(({ version }) => version)]),
    [
      ['Acme.Web', '2.0', '1.5', '1.0'],
      ['Zeta', '1.0'],
    ],
  )
})
