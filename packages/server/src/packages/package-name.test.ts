import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { cachedFileName, isVersion, packageExtensions, parsePackageName } from './package-name.ts'
import { compareVersions, isPrerelease, prereleaseTag } from './package-version.ts'

interface Vectors {
  readonly cases: readonly {
    file: string
    id?: string
    version?: string
    extension?: string
    error?: boolean
  }[]
  readonly versionCompare: readonly { a: string; b: string; semver: number; octopus: number }[]
}
const vectors: Vectors = JSON.parse(
  await readFile(new URL('../../test/fixtures/package-names.json', import.meta.url), 'utf8'),
)

for (const { file, id, version, extension = '', error } of vectors.cases) {
  const isKnown = packageExtensions.some(known => known === extension.toLowerCase())
  const isCacheName = file.includes('@')
  if (error === true || !isKnown || isCacheName) {
    test(`${file} is refused as the name of an uploaded package, with a reason`, () => {
      const result = parsePackageName(file)
      assert.ok('problem' in result && result.problem.includes(file))
    })
  } else {
    test(`${file} is version ${version} of ${id}`, () => {
      assert.deepEqual(parsePackageName(file), { packageId: id, version, extension })
    })
  }
}

test('a name that was put together from id, version and kind is read back', () => {
  const word = fc.stringMatching(/^[a-zA-Z_]{1,8}$/)
  const id = fc.array(word, { minLength: 1, maxLength: 4 }).map(words => words.join('.'))
  const numbers = fc.array(fc.nat(99_999), { minLength: 1, maxLength: 4 }).map(parts => parts.join('.'))
  const pre = fc.option(fc.stringMatching(/^[a-z]{1,5}[0-9]{0,2}$/), { nil: '' })
  fc.assert(
    fc.property(
      id,
      numbers,
      pre,
      fc.constantFrom(...packageExtensions),
      (packageId, core, tag, extension) => {
        const version = tag === '' ? core : `${core}-${tag}`
        assert.deepEqual(parsePackageName(`${packageId}.${version}${extension}`), {
          packageId,
          version,
          extension,
        })
        assert.equal(isVersion(version), true)
        assert.equal(prereleaseTag(version), tag)
      },
    ),
  )
})

test('names under which packages are kept have no character that a file system minds', () => {
  const kept = cachedFileName({ packageId: 'a:b/../c', version: '1.0', extension: '.zip' }, 'AB')
  assert.equal(kept, 'a%3Ab%2F..%2Fc@S1.0@AB.zip')
})

for (const { a, b, semver } of vectors.versionCompare) {
  test(`version ${a} compared with ${b} gives ${semver}`, () => {
    assert.equal(Math.sign(compareVersions(a, b)), semver)
    assert.equal(Math.sign(compareVersions(b, a)), semver === 0 ? 0 : -semver)
  })
}

test('a pre-release is told by its dash, not by its metadata', () => {
  assert.deepEqual(['1.0-rc', '1.0+a-b', '1.0'].map(isPrerelease), [true, false, false])
})
