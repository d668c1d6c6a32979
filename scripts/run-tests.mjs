/**
 * Runs test files, each in a process of its own, and prints what they say; `scripts/test.mjs` starts this on the
 * project's Node. Unlike `node --test` it takes the files in the order given, so that long ones can begin first.
 * In: the path of a file with `{ files, concurrency, preload, facts }`. Out: into the file `facts`, one JSON line each, the tests
 * that were skipped and why, and how long each file took.
 */
import { createWriteStream, readFileSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const facts = createWriteStream(plan.facts)
const note = fact => facts.write(`${JSON.stringify(fact)}\n`)

function noteSkipped({ name, file, skip }) {
  if (skip === undefined) return
  note({ kind: 'left out', name, file, reason: typeof skip === 'string' ? skip : 'no reason given' })
}

const tests = run({
  files: plan.files,
  concurrency: plan.concurrency,
  timeout: 300_000,
  execArgv: plan.preload.flatMap(url => ['--import', url]),
})
tests.on('test:pass', noteSkipped)
tests.on('test:fail', noteSkipped)
tests.on('test:summary', ({ file, duration_ms: milliseconds, success }) => {
  if (file !== undefined) note({ kind: 'file', file, milliseconds })
  else if (!success) process.exitCode = 1
})
tests.compose(new spec()).pipe(process.stdout)
