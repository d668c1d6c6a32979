import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { FuzzReport } from './engine.ts'
import { findTarget, fuzzTargets } from './targets.ts'
import { watchFuzz } from './watch.ts'

const help = `npm run fuzz -- [options]

Feeds every reader of packages/halibut with changed inputs, guided by which blocks of its source they reach.

  --target NAME   only this target; may be given several times (default: all)
  --seconds N     how long, for all targets together (default: 60)
  --minutes N     the same in minutes
  --seed N        another seed, other inputs (default: 1)
  --input FILE    tries this one input and nothing else; needs one --target
  --out DIR       where failing inputs are written (default: beside the seeds, test/fixtures/fuzz/TARGET)
  --list          names the targets
  --help          shows this

Exit code 1 means that an input was found that shows a bug; its file and the command to try it again are printed.
`

const options = {
  target: { type: 'string', multiple: true },
  seconds: { type: 'string' },
  minutes: { type: 'string' },
  seed: { type: 'string' },
  input: { type: 'string' },
  out: { type: 'string' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const fixtures = fileURLToPath(new URL('../fixtures/fuzz/', import.meta.url))

function parseNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new Error(`--${name} ${text} is not a number.`)
  return value
}

/** Keeps a failing input, and says how to try it again. */
function keep({ target, failure }: FuzzReport, out: string | undefined): void {
  if (!failure) return
  const folder = out ?? join(fixtures, target)
  mkdirSync(folder, { recursive: true })
  const digest = createHash('sha256').update(failure.input).digest('hex').slice(0, 8)
  const file = join(folder, `new-${digest}.bin`)
  writeFileSync(file, failure.input)
  process.stdout.write(
    `  FAILED: ${failure.problem}\n` +
      `  The input (${failure.input.length} bytes) is in ${relative(process.cwd(), file)}. Try it again:\n` +
      `    npm run fuzz -- --target ${target} --input ${relative(process.cwd(), file)}\n`,
  )
}

function line({
  target,
  inputs,
  accepted,
  refused,
  corpus,
  coveredCharacters,
  slowestMs,
}: FuzzReport): string {
  const numbers = [inputs, accepted, refused, corpus, coveredCharacters, slowestMs].map((n, index) =>
    n.toLocaleString('en').padStart([11, 10, 10, 7, 9, 9][index] ?? 9),
  )
  return `${target.padEnd(16)}${numbers.join('')}\n`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options })
  if (values.help) return void process.stdout.write(help)
  if (values.list) {
    for (const { name, about } of fuzzTargets) process.stdout.write(`${name.padEnd(16)}${about}\n`)
    return
  }
  const targets = (values.target ?? fuzzTargets.map(({ name }) => name)).map(name => findTarget(name).name)
  if (values.input !== undefined && values.target?.length !== 1)
    throw new Error('--input needs one --target.')
  const input = values.input === undefined ? undefined : readFileSync(values.input)
  const seed = parseNumber('seed', values.seed, 1)
  const seconds = parseNumber('minutes', values.minutes, 0) * 60 || parseNumber('seconds', values.seconds, 60)

  process.stdout.write(`seed ${seed}, ${seconds} s for ${targets.length} targets, Node ${process.version}\n`)
  process.stdout.write('target               inputs  accepted   refused corpus  covered  slowest ms\n')
  // A thread for each target: one that fails takes nobody with it.
  for (const target of targets) {
    const milliseconds = (seconds * 1000) / targets.length
    const task = {
      targets: [target],
      seed,
      milliseconds,
      isTest: false,
      isGuided: true,
    }
    await watchFuzz({ ...task, ...(input && { input }) }, report => {
      process.stdout.write(line(report))
      if (report.failure) process.exitCode = 1
      if (!input) keep(report, values.out)
      else if (report.failure) process.stdout.write(`  FAILED: ${report.failure.problem}\n`)
    })
  }
}

try {
  await main()
  // A thread that was given up may still be busy.
  if (process.exitCode === 1) process.exit()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
