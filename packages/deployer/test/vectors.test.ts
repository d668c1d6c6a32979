import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DeployerError } from '../src/errors.ts'
import { ServiceMessageReader } from '../src/log/service-message.ts'
import { parsePackageName, toCacheName } from '../src/packages/package-name.ts'
import { compareVersions } from '../src/packages/package-version.ts'
import { encryptVariables, readVariables } from '../src/variables/variables-file.ts'

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8'))
}

interface Names {
  readonly cases: readonly {
    file: string
    id?: string
    version?: string
    extension?: string
    format?: string
    error?: boolean
  }[]
  readonly cacheName: { packageId: string; version: string; extension: string; pattern: string }
  readonly versionCompare: readonly { a: string; b: string; semver: number; octopus: number }[]
}

const names = fixture<Names>('package-names.json')

for (const { file, error, ...expected } of names.cases) {
  test(`the package file ${file} ${error === true ? 'is refused' : `is ${expected.id} ${expected.version}`}`, () => {
    if (error === true) {
      assert.throws(() => parsePackageName(`/tmp/x/${file}`), { code: 'ERR_PACKAGE_NAME' })
      return
    }
    assert.deepEqual({ ...parsePackageName(`/tmp/x/${file}`) }, expected)
  })
}

test('the name of a package in the cache is escaped and unique', () => {
  const { packageId, version, extension, pattern } = names.cacheName
  const name = toCacheName(
    { id: packageId, version, extension, format: 'Semver' },
    '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  )
  assert.match(name, new RegExp(pattern))
  assert.deepEqual({ ...parsePackageName(name) }, { id: packageId, version, extension, format: 'Semver' })
})

for (const { a, b, semver, octopus } of names.versionCompare) {
  test(`version ${a} against ${b}`, () => {
    assert.equal(compareVersions(a, b, 'Semver'), semver)
    assert.equal(compareVersions(b, a, 'Semver'), semver === 0 ? 0 : -semver)
    assert.equal(compareVersions(a, b, 'Octopus'), octopus)
  })
}

interface Messages {
  readonly cases: readonly { name: string; line: string; messages: [string, Record<string, string>][] }[]
  readonly splitOverLines: { lines: string[]; messages: [string, Record<string, string>][] }
}

const messages = fixture<Messages>('service-messages.json')

function readAll(lines: readonly string[]): [string, Record<string, string>][] {
  const reader = new ServiceMessageReader()
  return lines.flatMap(line => {
    const message = reader.read(line)
    return message === undefined ? [] : [[message.name, Object.fromEntries(message.attributes)]]
  })
}

for (const { name, line, messages: expected } of messages.cases) {
  test(`service message: ${name}`, () => assert.deepEqual(readAll([line]), expected))
}

test('service message: split over two lines', () => {
  assert.deepEqual(readAll(messages.splitOverLines.lines), messages.splitOverLines.messages)
})

const encrypted = fixture<{ password: string; encryptedBase64: string; plaintext: string }>(
  'variables-file-aes.json',
)

test('a variables file of the original is read', () => {
  const variables = readVariables(Buffer.from(encrypted.encryptedBase64, 'base64'), encrypted.password, 'x')
  assert.deepEqual(
    variables.map(({ name, value, isSensitive }) => ({ k: name, v: value, s: isSensitive })),
    JSON.parse(encrypted.plaintext),
  )
})

test('a variables file that was written here is read here, and differs each time', () => {
  const variables = [
    { name: 'a', value: 'é "日本"', isSensitive: true },
    { name: 'n', value: null, isSensitive: false },
  ]
  const file = encryptVariables(variables, 'pass')
  assert.deepEqual(readVariables(file, 'pass', 'x'), variables)
  assert.equal(file.subarray(0, 4).toString(), 'IV__')
  assert.notDeepEqual(encryptVariables(variables, 'pass'), file)
})

test('bad variables files are refused without showing what is in them', () => {
  const file = encryptVariables([{ name: 'a', value: 'topsecret', isSensitive: true }], 'pass')
  const plain = Buffer.from('[{"k":1,"v":"topsecret"}]')
  for (const attempt of [
    () => readVariables(file, 'wrong', 'vars.json'),
    () => readVariables(file.subarray(0, -3), 'pass', 'vars.json'),
    () => readVariables(file.subarray(0, 10), 'pass', 'vars.json'),
    () => readVariables(file, undefined, 'vars.json'),
    () => readVariables(plain, 'pass', 'vars.json'),
    () => readVariables(plain, undefined, 'vars.json'),
    () => readVariables(Buffer.from('{"topsecret":{}}'), undefined, 'vars.json'),
  ]) {
    assert.throws(
      attempt,
      error =>
        error instanceof DeployerError &&
        /vars\.json/.test(error.message) &&
        !/topsecret/.test(error.message),
    )
  }
})
