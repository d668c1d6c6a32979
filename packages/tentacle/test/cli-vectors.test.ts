import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chosenDifferences, differingRows, withChosenDifferences } from './chosen-differences.ts'
import { checklistPrefix } from './cli-checklist.ts'
import { type CliRow, type Observed, readRows, runRow } from './cli-row.ts'
import { assertHelp } from './help-layout.ts'
import { type StandInServer, startStandInServer } from './stand-in-server.ts'

let server: StandInServer
before(async () => {
  server = await startStandInServer()
})
after(() => server.close())

describe('command lines end as those of the original', () => {
  for (const recorded of readRows()) {
    const row = withChosenDifferences(recorded)
    test(`${checklistPrefix(row.name)}${row.name}: Tentacle ${row.argv.map(quote).join(' ').slice(0, 100)}`, async t => {
      const observed = await runRow(t, row, server)
      assert.equal(observed.exitCode, row.exitCode, observed.stderr)
      assert.deepEqual(observed.changes, row.changes)
      assert.deepEqual(observed.serverRequests, row.serverRequests)
      assert.deepEqual(observed.systemCalls, row.systemCalls ?? [])
      assertStandardOutput(observed, row)
      if (row.stderr === '<REPORT>') assertReport(observed.stderr, row)
      else assert.equal(observed.stderr, row.stderr)
    })
  }
})

test('every chosen difference is explained, and every explanation is of a difference', () => {
  const explained = chosenDifferences.flatMap(({ rows }) => rows)
  assert.deepEqual(explained.toSorted(), differingRows().toSorted())
  const names = new Set(readRows().map(({ name }) => name))
  assert.deepEqual(
    explained.filter(name => !names.has(name)),
    [],
  )
})

function assertStandardOutput({ stdout }: Observed, row: CliRow): void {
  if (row.stdout === '<HELP>') assertHelp(stdout, row)
  else if (row.stdout === '<VERSION>') assert.match(stdout, /^\d+\.\d+\.\d+\+[0-9A-Za-z.-]+$/)
  else if (row.stdout.includes('<VERSION>')) assertVersionJson(stdout)
  else assert.equal(stdout, row.stdout)
}

function assertVersionJson(stdout: string): void {
  const version: Record<string, unknown> = JSON.parse(stdout)
  assert.deepEqual(Object.keys(version), [
    'InformationalVersion',
    'MajorMinorPatch',
    'NuGetVersion',
    'SourceBranchName',
    'IsPrerelease',
  ])
  assert.equal(stdout, JSON.stringify(version, null, 2))
}

/** The block that ends a failed run: rules of 79, the code, and the folders of the logs with the home's first. */
function assertReport(stderr: string, row: CliRow): void {
  const lines = stderr.split('\n')
  const rule = '-'.repeat(79)
  assert.equal(lines[0], '='.repeat(79))
  assert.notEqual(lines[1], '')
  const start = lines.indexOf('Terminating process with exit code 100')
  assert.equal(lines[start - 1], rule)
  const folders = lines.slice(start).filter(line => line.endsWith('/Logs'))
  assert.equal(folders.at(-1), '/home/t/user/.local/share/Octopus/Logs')
  const hasHome = row.setup !== undefined && row.setup.length > 0 && !row.argv.includes('create-instance')
  const isDamaged =
    row.files?.['/home/t/T1/Tentacle.config'] === 'not xml at all' || row.argv.at(-1) === '--instance'
  if (hasHome && !isDamaged && row.argv[0] !== 'list-instances') assert.equal(folders[0], '/home/t/T1/Logs')
  assert.deepEqual(lines.slice(-3), [rule, '', ''])
}

function quote(arg: string): string {
  return /^[\w./:=-]+$/.test(arg) ? arg : `'${arg}'`
}
