import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from './runtimes.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')
const compiler = join(root, 'node_modules/typescript/bin/tsc')

/** Builds and packs, and unpacks the result where a consumer's package manager would. Answers the consumer's folder. */
async function install(folder: string): Promise<{ consumer: string; installed: string }> {
  const built = join(folder, 'built')
  await run(process.execPath, [join(root, 'scripts/build-halibut.mjs'), '--out', built])
  const pack = ['pack', '--offline', '--pack-destination', folder]
  const environment = { ...process.env, npm_config_cache: join(folder, 'cache'), npm_config_workspaces: '' }
  await run('npm', pack, { cwd: built, env: environment })
  const [tarball = 'no tarball'] = (await readdir(folder)).filter(name => name.endsWith('.tgz'))
  const installed = join(folder, 'consumer/node_modules/@tentacle/halibut')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1'])
  const consumer = join(folder, 'consumer')
  await mkdir(join(consumer, 'node_modules/@types'))
  for (const name of ['node-forge', '@types/node', 'undici-types'])
    await symlink(join(root, 'node_modules', name), join(consumer, 'node_modules', name), 'dir')
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  return { consumer, installed }
}

const program = `
import { createCertificate, createHalibut, defineService, host, method, types } from '@tentacle/halibut'
const Echo = defineService('IEchoService', { sayHello: method([types.text], types.text) })
const service = createHalibut({
  certificate: await createCertificate({ commonName: 'service' }),
  services: [host(Echo, { sayHello: name => name + '...' })],
})
const caller = createHalibut({ certificate: await createCertificate({ commonName: 'caller' }) })
service.trust.add(caller.certificate.thumbprint)
const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
const { thumbprint } = service.certificate
const echo = caller.client(Echo, { baseUri: 'https://127.0.0.1:' + port + '/', thumbprint })
console.log(await echo.sayHello('packed'))
await caller.close()
await service.close()
`

/** A contract that is a package itself: the types of what it exports must have names that others can import. */
const contractLibrary = `
import { defineService, field, type Halibut, HalibutError, host, method, types } from '@tentacle/halibut'
export const Size = types.enumeration({ Small: 0, Large: 1 })
export const Parcel = types.record({
  dotnet: 'Shop.Parcel, Shop',
  fields: {
    size: Size,
    url: field('URL', types.uri),
    pair: types.tuple(types.text, types.int32),
    labels: types.dictionary(types.text, types.nullable(types.guid)),
  },
})
export const Letter = types.record({ dotnet: 'Shop.Letter, Shop', fields: { pages: types.int32 } })
export const Item = types.oneOf('Shop.IItem, Shop', Parcel, Letter)
export const urlField = field('URL', types.uri)
export const Shipping = defineService('IShipping', {
  price: method([types.list(Item), types.dataStream], types.double),
  stop: method([], 'void'),
})
export const hosted = host(Shipping, { price: () => 1, stop() {} })
export const shippingOf = (halibut: Halibut) => halibut.client(Shipping, { baseUri: 'poll://shop/' })
export const failure = (...parts: ConstructorParameters<typeof HalibutError>) => new HalibutError(...parts)
`

/** Uses of the types that must be refused: a declaration that says \`any\` would let them through. */
const wrongUses = `
import { createHalibut, DataStream, defineService, host, method, types, type ValueOf } from '@tentacle/halibut'
const Echo = defineService('IEchoService', { sayHello: method([types.text], types.text) })
// @ts-expect-error a certificate is needed
createHalibut({})
// @ts-expect-error a number is no text
host(Echo, { sayHello: () => 1 })
// @ts-expect-error a name that is no method
host(Echo, { sayHello: name => name }, { liveStreams: ['sayGoodbye'] })
// @ts-expect-error text is no number
export const value: ValueOf<typeof types.int32> = 'text'
// @ts-expect-error for this library alone
DataStream.contentOf(DataStream.fromText('x'))
`

const strict = {
  target: 'es2022',
  module: 'nodenext',
  types: ['node'],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
}

async function typeCheck(consumer: string, files: readonly string[], changes: object): Promise<void> {
  const config = { compilerOptions: { ...strict, ...changes }, files }
  await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify(config))
  const check = run(process.execPath, [compiler, '-p', consumer])
  await check.catch(({ stdout }) => assert.fail(`The type check failed:\n${stdout}`))
}

test('the package that is published works where it is installed, in JavaScript and in strict TypeScript', async t => {
  const folder = await temporaryFolder(t)
  const { consumer, installed } = await install(folder)

  await t.test('a plain JavaScript program makes a call with it', async () => {
    const path = join(consumer, 'program.js')
    await writeFile(path, program)
    const { stdout, stderr } = await run(process.execPath, [path], { timeout: 60_000 })
    assert.deepEqual([stdout, stderr], ['packed...\n', ''])
  })

  await t.test('the examples and wrong uses are type-checked against its declarations', async () => {
    const examples = join(import.meta.dirname, '../examples')
    await cp(examples, join(consumer, 'examples'), { recursive: true })
    await writeFile(join(consumer, 'wrong-uses.ts'), wrongUses)
    const names = (await readdir(examples)).map(name => `examples/${name}`)
    const target = { target: 'es2024', lib: ['es2024'] }
    await typeCheck(consumer, ['wrong-uses.ts', ...names], target)
  })

  await t.test('a package of contracts that is built on it gets declarations of its own', async () => {
    await writeFile(join(consumer, 'contracts.ts'), contractLibrary)
    const emit = { noEmit: false, declaration: true, outDir: join(consumer, 'emitted') }
    const bundler = { module: 'esnext', moduleResolution: 'bundler' }
    await typeCheck(consumer, ['contracts.ts'], { ...emit, ...bundler })
    const declared = await readFile(join(consumer, 'emitted/contracts.d.ts'), 'utf8')
    assert.match(declared, /export declare const Shipping/)
    for (const [, imported] of declared.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g))
      assert.equal(imported, '@tentacle/halibut')
  })

  await t.test(
    'it holds JavaScript, declarations and what is said about them, and nothing else',
    async () => {
      const entries = await readdir(installed, { recursive: true, withFileTypes: true })
      const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
      const names = files.map(path => path.slice(installed.length + 1).replaceAll('\\', '/'))
      const plain = names.filter(name => !/^[\w/-]+\.(js|d\.ts)$/.test(name))
      assert.deepEqual(plain.toSorted(), ['LICENSE', 'README.md', 'package.json'])
      assert.deepEqual(
        names.filter(name => /\.test\.|(^|\/)(test|examples|src)\//.test(name)),
        [],
      )
      for (const [index, path] of files.entries()) {
        const text = await readFile(path, 'utf8')
        assert.ok(
          !text.includes(root) && !text.includes(folder),
          `${names[index]} has a path of this machine`,
        )
        if (/\.(js|d\.ts)$/.test(path))
          assert.doesNotMatch(text, /(from|import)\s*\(?'\.[^']*\.ts'/, `${names[index]} imports a source`)
      }
    },
  )

  await t.test('its description is that of a published package', async () => {
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
    const own = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8'))
    const { name, version, description, license, dependencies } = own
    assert.deepEqual(manifest, {
      name,
      version,
      description,
      license,
      type: 'module',
      engines: { node: '>=24' },
      main: './index.js',
      types: './index.d.ts',
      exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
      sideEffects: false,
      dependencies,
    })
    const tsDeclared = await readFile(join(installed, 'index.d.ts'), 'utf8')
    assert.match(tsDeclared, /createHalibut/)
  })
})

test('a folder that holds something else is not built into', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'precious')
  await writeFile(file, 'mine')
  const build = run(process.execPath, [join(root, 'scripts/build-halibut.mjs'), '--out', dirname(file)])
  await assert.rejects(build, /is not empty and holds no earlier build/)
  assert.deepEqual(await readdir(folder), ['precious'])
})
