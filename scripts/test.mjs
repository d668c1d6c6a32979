/**
 * `npm test`: type check, lint, portal build and all tests, in this order, in one go. Tests whose parts (a browser, a
 * database, …) are missing on this machine are left out and named at the end; with TENTACLE_TEST_ALL=1 that is a failure.
 * `npm test -- PATTERN …` runs only the test files whose path contains a PATTERN, without the checks before.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureDependencies, environment, main, root, runNode } from './toolchain.mjs'

const bin = path => join(root, 'node_modules', path)

function* testFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'fixtures', '.git', 'home'].includes(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* testFiles(path)
    else if (/\.test\.(ts|mjs)$/.test(entry.name)) yield path
  }
}

function step(title, args, options) {
  process.stdout.write(`\n== ${title}\n`)
  const code = runNode(args, options)
  if (code !== 0) throw new Error(`${title} failed (exit code ${code}); what is wrong stands above.`)
}

/**
 * Files that take long, longest first: begun before the others, they wait beside their work. A file that is missing here
 * costs time, nothing else.
 */
const longest = [
  'packages/tentacle/test/wine/scripts.test.ts',
  'packages/tentacle/test/wine/windows-program.test.ts',
  'packages/portal/test/surroundings.test.ts',
  'packages/peer/test/peer-processes.test.ts',
  'packages/tentacle/test/systemd.test.ts',
  'packages/tentacle/test/wine/scripts.test.ts',
  'packages/tentacle/test/packages.test.ts',
  'packages/tentacle/test/wine/windows-program.test.ts',
  'packages/portal/test/pages.test.ts',
  'packages/tentacle/test/restart.test.ts',
  'e2e/quickstart.test.ts',
  'packages/portal/test/task-log.test.ts',
  'packages/halibut/test/faults/fault-matrix.test.ts',
  'packages/server/test/deployments.test.ts',
  'e2e/durability.test.ts',
  'packages/server/test/recordings.test.ts',
  'packages/peer/test/recorded-polling.test.ts',
  'packages/peer/test/recorded-listening.test.ts',
  'packages/halibut/test/recorded-frames.test.ts',
  'packages/halibut/test/recorded-ours.test.ts',
  'packages/halibut/test/fuzz/fuzz.test.ts',
  'packages/deployer/test/extraction.test.ts',
  'packages/tentacle/test/cli-vectors.test.ts',
  'packages/server/test/task-routes.test.ts',
  'packages/tentacle/test/rough-scripts.test.ts',
]

const rankOf = file => longest.indexOf(relative(root, file).replaceAll('\\', '/'))
const isLong = file => rankOf(file) >= 0

/** How many test files share a process: those that test single rooms in a moment, and those that test whole houses. */
const filesInOne = { src: 35, test: 14 }

/**
 * The files as they are given to the runner, which makes a process of each. To start one and to load the product into it
 * costs more than many files do with it, so files of a folder share a few. Alone stay those that take long, and those
 * that look at the process they are in or start others.
 */
function gather(files, folder) {
  const shared = new Map()
  const alone = []
  for (const file of files) {
    const [, name, part] = /^packages[\\/]([^\\/]+)[\\/](src|test)[\\/]/.exec(relative(root, file)) ?? []
    // Files beside the sources load little: they share across packages.
    const group = part === 'src' ? 'src' : `${name}/${part}`
    if (part === undefined || isLong(file) || (part === 'test' && concernsProcess(file))) alone.push(file)
    else shared.set(group, { part, members: [...(shared.get(group)?.members ?? []), file] })
  }
  const groups = [...shared].flatMap(([group, { part, members }]) => {
    const count = Math.ceil(members.length / filesInOne[part])
    return Array.from({ length: count }, (_, number) => {
      const path = join(folder, `${group.replace('/', '-')}-${number + 1}.mjs`)
      const some = members.filter((_, index) => index % count === number)
      writeFileSync(path, some.map(file => `import ${JSON.stringify(pathToFileURL(file).href)}\n`).join(''))
      return path
    })
  })
  return [
    ...alone.filter(isLong).sort((a, b) => rankOf(a) - rankOf(b)),
    ...groups,
    ...alone.filter(file => !isLong(file)),
  ]
}

function concernsProcess(file) {
  return /\bprocess\.(?!platform)|child_process|worker_threads|from 'playwright/.test(
    readFileSync(file, 'utf8'),
  )
}

/** Runs the tests; answers what was left out and how long each file took. */
function runTests(files, isWhole) {
  const folder = mkdtempSync(join(tmpdir(), 'tentacle-tests-'))
  const report = join(folder, 'facts.jsonl')
  try {
    const plan = join(folder, 'plan.json')
    const preload = isWhole ? [pathToFileURL(join(root, 'scripts/untracked-promises.mjs')).href] : []
    writeFileSync(
      plan,
      JSON.stringify({ files: gather(files, folder), concurrency: 4, preload, facts: report }),
    )
    // Hundreds of processes load the same sources: their types are taken off once.
    const env = environment({ NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/tests') })
    try {
      step(`Tests (${files.length} files)`, [join(root, 'scripts/run-tests.mjs'), plan], { env })
    } finally {
      tellSlowest(factsOf(report))
    }
    return factsOf(report)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function factsOf(report) {
  return readFileSync(report, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}

/** Where the time goes, so that it is noticed when a file begins to take too much of it. */
function tellSlowest(facts) {
  const slowest = facts
    .filter(({ kind, milliseconds }) => kind === 'file' && milliseconds > 5000)
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .slice(0, 15)
  if (slowest.length === 0) return
  process.stdout.write('\nThe slowest files:\n')
  for (const { file, milliseconds } of slowest) {
    const name = file.startsWith(root) ? relative(root, file) : basename(file)
    process.stdout.write(`  ${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${name}\n`)
  }
}

main(() => {
  ensureDependencies()
  const patterns = process.argv.slice(2)
  const all = ['packages', 'e2e', 'bench', 'scripts'].flatMap(name => [...testFiles(join(root, name))]).sort()
  const files = all.filter(file => patterns.length === 0 || patterns.some(part => file.includes(part)))
  if (files.length === 0) throw new Error(`No test file matches ${patterns.join(', ')}.`)
  if (patterns.length === 0) {
    step('Types', [bin('typescript/bin/tsc'), '--noEmit'])
    step('Types of the portal', [bin('typescript/bin/tsc'), '--noEmit', '-p', join(root, 'packages/portal')])
    step('Lint', [join(root, 'scripts/lint.mjs')])
    step('Portal', [join(root, 'scripts/build-portal.mjs')])
  }
  const facts = runTests(files, patterns.length === 0)
  const leftOut = facts.filter(({ kind }) => kind === 'left out')
  if (leftOut.length === 0) {
    process.stdout.write('\nNothing was left out.\n')
    return
  }
  process.stdout.write(`\nLeft out, because a part is missing on this machine:\n`)
  for (const { name, file, reason } of leftOut) {
    process.stdout.write(`  ${file ? relative(root, file) : ''}: ${name}: ${reason}\n`)
  }
  if (process.env.TENTACLE_TEST_ALL === '1')
    throw new Error('TENTACLE_TEST_ALL=1 asks for every part, so this is a failure.')
})
