import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLog } from '../logging/log.ts'
import { handOver } from './hand-over.ts'
import { runProgram } from './run-program.ts'

const isRoot = process.getuid?.() === 0
const options = { skip: isRoot ? false : 'only root can give files away' }

/** An account that need not exist. */
const account = { name: 'deploy', uid: 54321, gid: 54322 }

async function place(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'tentacle-hand-over-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const home = join(root, 'octopus', 'T1')
  const warnings: string[] = []
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'T1.config'), '', { mode: 0o600 })
  const give = (more: { home?: string; indexRoot?: string } = {}) =>
    handOver({
      account,
      configPath: join(home, 'T1.config'),
      home,
      applications: join(root, 'apps'),
      indexRoot: join(root, 'octopus'),
      executable: join(root, 'Tentacle'),
      run: (program, args) => runProgram(program, args, { env: process.env }),
      log: createLog([(_, text) => warnings.push(text)], 'warn'),
      ...more,
    })
  const owner = async (...path: string[]) => {
    const { uid, gid, mode } = await stat(join(root, ...path))
    return [uid, gid, mode & 0o777]
  }
  return { root, home, give, owner, warnings }
}

test(
  'the account of a service owns settings, home, logs, workspaces and an empty folder for packages',
  options,
  async t => {
    const { home, give, owner } = await place(t)
    await mkdir(join(home, 'Work/old'), { recursive: true })
    await writeFile(join(home, 'Work/old/Output.log'), '')
    await give()
    assert.deepEqual(await owner('octopus/T1/T1.config'), [account.uid, account.gid, 0o600])
    for (const path of ['T1', 'T1/Logs', 'T1/Work', 'T1/Work/old', 'T1/Work/old/Output.log'])
      assert.deepEqual((await owner('octopus', path)).slice(0, 2), [account.uid, account.gid], path)
    assert.equal((await owner('apps'))[0], account.uid)
    assert.equal((await owner('octopus'))[0], 0)
  },
)

test('files that are not of the agent stay whose they are, also behind links', options, async t => {
  const { root, home, give, owner, warnings } = await place(t)
  await writeFile(join(home, 'private'), '')
  await writeFile(join(root, 'shadow'), '')
  await mkdir(join(home, 'Work'))
  await symlink(join(root, 'shadow'), join(home, 'Work/link'))
  await symlink(join(root, 'shadow'), join(home, 'livez.heartbeat'))
  await mkdir(join(root, 'apps'))
  await writeFile(join(root, 'apps/package'), '')
  await give()
  for (const path of ['octopus/T1/private', 'shadow', 'apps']) assert.equal((await owner(path))[0], 0, path)
  assert.match(warnings.join('\n'), /There are packages in .*apps/)
})

test('a home that holds the list of all instances is not given away', options, async t => {
  const { home, give, owner, warnings } = await place(t)
  await mkdir(join(home, 'Tentacle/Instances'), { recursive: true })
  await give({ indexRoot: home })
  assert.equal((await owner('octopus/T1'))[0], 0)
  assert.equal((await owner('octopus/T1/Logs'))[0], account.uid)
  assert.match(warnings.join('\n'), /so its owner stays/)
})

test('a folder on the way that the account may not enter is named', options, async t => {
  const { root, give, warnings } = await place(t)
  await stat(root)
  await give()
  assert.ok(
    warnings.some(text => text.startsWith(`The account deploy may not enter ${root}`)),
    warnings.join('\n'),
  )
})
