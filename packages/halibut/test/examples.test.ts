import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const folder = join(import.meta.dirname, '../examples')
const run = promisify(execFile)

/** What an example says at its end that it prints. */
function expectedOutput(source: string): string {
  const said = /\n\/\* Prints:\n([\s\S]*)\*\/\n$/.exec(source)?.[1]
  assert.ok(said, 'an example ends with /* Prints: … */')
  return said
}

const names = readdirSync(folder).filter(name => name.endsWith('.ts'))

test('there are examples', () => {
  assert.ok(names.length >= 9)
})

for (const name of names) {
  test(`the example ${name} runs, ends by itself and prints what it says`, async () => {
    const path = join(folder, name)
    const { stdout, stderr } = await run(process.execPath, [path], { timeout: 120_000 })
    assert.equal(stdout, expectedOutput(readFileSync(path, 'utf8')))
    assert.equal(stderr, '')
  })
}
