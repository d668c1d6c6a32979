import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createSecretBox } from '../src/settings/machine-key.ts'
import { openSettings } from '../src/settings/settings-store.ts'
import { createRig } from './rig.ts'

const homes = join(import.meta.dirname, 'fixtures/homes')

/** What is known of a recorded home. */
export interface ExpectedHome {
  readonly instance: string
  readonly home: string
  readonly certificate: {
    readonly thumbprint: string
    readonly pfxLength: number
    readonly pfxSha256: string
  } | null
  readonly proxy: ExpectedProxy
  readonly pollingProxy: ExpectedProxy
  readonly settings: Readonly<Record<string, string>>
  readonly agentStartLines?: readonly string[]
  readonly commands: Readonly<Record<string, { readonly argv: readonly string[]; readonly stdout: unknown }>>
}

interface ExpectedProxy {
  readonly useDefaultProxy: string | null
  readonly host: string | null
  readonly port: string | null
  readonly username: string | null
  readonly password: string | null
}

/** Puts a recorded home into place, as on the machine that it was recorded on. */
export async function takeOver(t: TestContext, name: string) {
  const rig = await createRig(t)
  const source = join(homes, name)
  const expected: ExpectedHome = JSON.parse(await readFile(join(source, 'expected.json'), 'utf8'))
  // The recorded servers do not exist; nothing outside of this machine is looked for.
  const here = (text: string) =>
    text
      .replaceAll('/home/t/h', rig.root)
      .replaceAll(/(?<=https:\/\/)[\w-]+(\.octopus)?\.example(:\d+)?/g, '127.0.0.1:9')
  await mkdir(rig.at(name), { recursive: true })
  const config = await readFile(join(source, 'Tentacle.config'), 'utf8')
  await writeFile(rig.at(name, 'Tentacle.config'), here(config))
  for (const file of readdirSync(join(source, 'index'))) {
    await rig.write(
      `machine/Tentacle/Instances/${file}`,
      here(readFileSync(join(source, 'index', file), 'utf8')),
    )
  }
  const files = readdirSync(source)
  if (files.includes('machinekey')) {
    await mkdir(rig.at('etc'), { recursive: true })
    await cp(join(source, 'machinekey'), rig.at('etc/machinekey'))
    await writeFile(rig.at('machine-id'), '')
  } else await cp(join(source, 'machine-id'), rig.at('machine-id'))
  const store = openSettings(rig.at(name, 'Tentacle.config'), {
    contributed: new Map(),
    applications: '/home/Octopus/Applications',
    secrets: createSecretBox({
      machineIdFile: rig.at('machine-id'),
      generatedKeyFiles: [rig.at('etc/machinekey')],
    }),
  })
  return { rig, expected, here, store }
}
