import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Machine } from './deployer-runs.ts'

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')

function cache(t: TestContext, names: readonly string[]): Machine {
  const machine = new Machine(t)
  mkdirSync(join(machine.root, 'Files', 'sub'), { recursive: true })
  for (const name of names) writeFileSync(join(machine.root, 'Files', name), name)
  return machine
}

const wanted = (version: string, hash: string, ...more: string[]) => [
  'find-package',
  '--packageId',
  'acme.WEB',
  '--packageVersion',
  version,
  '--packageHash',
  hash,
  ...more,
]

const names = [
  'Acme.Web@S1.0.0@AA.zip',
  'Acme.Web@S1.2.0@BB.zip',
  'sub/Acme.Web@S1.1.0@CC.zip',
  'Acme.Web@S2.0.0@DD.zip',
  'Other@S1.0.0@EE.zip',
  'Acme.Web.1.2.0.zip',
  'junk',
]

test('a package with the same content is found exactly', async t => {
  const run = await cache(t, names).run(wanted('1.2.0', sha1('Acme.Web@S1.2.0@BB.zip').toUpperCase()))
  assert.equal(run.exitCode, 0)
  const [first, found] = run.messages.filter(({ name }) => !name.startsWith('stdout'))
  assert.equal(first?.name, 'calamari-found-package')
  assert.equal(found?.name, 'foundPackage')
  assert.equal(found?.attributes.get('id'), 'Acme.Web')
  assert.equal(found?.attributes.get('version'), '1.2.0')
  assert.equal(found?.attributes.get('versionformat'), 'Semver')
  assert.equal(found?.attributes.get('hash'), sha1('Acme.Web@S1.2.0@BB.zip'))
  assert.match(found?.attributes.get('remotepath') ?? '', /Files\/Acme\.Web@S1\.2\.0@BB\.zip$/)
  assert.equal(found?.attributes.get('fileextension'), '.zip')
})

test('deployment 7.27: other content is no match; older versions are offered, newest first', async t => {
  const run = await cache(t, names).run(wanted('1.2.0', sha1('other')))
  const found = run.messages
    .filter(({ name }) => name === 'foundPackage')
    .map(({ attributes }) => attributes.get('version'))
  assert.deepEqual(found, ['1.2.0', '1.1.0', '1.0.0'])
  assert.ok(!run.messages.some(({ name }) => name === 'calamari-found-package'))
})

test('an exact match offers nothing else, and neither does an empty machine', async t => {
  const exact = await cache(t, names).run(wanted('1.2.0', sha1('other'), '--exactMatch=true'))
  assert.ok(!exact.messages.some(({ name }) => name === 'foundPackage'))
  const empty = await new Machine(t).run(wanted('1.0.0', sha1('x')))
  assert.equal(empty.exitCode, 0)
})

test('what is missing on the command line is named', async t => {
  const run = await cache(t, names).run(['find-package', '--packageId', 'x'])
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /--packageVersion is needed/)
  assert.match(
    (await cache(t, names).run(wanted('1', 'x', '--packageVersionFormat', 'Odd'))).stderr,
    /'Odd' is not known/,
  )
})
