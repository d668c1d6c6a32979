/**
 * Checks that packages import only what the table in docs/architecture.md allows, that nothing reaches into another
 * package's files, that package.json names what is imported, and that only main.ts files end the process.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const scope = '@tentacle/'

/** Reads the rows `| package | may import |` between the two markers. */
function readTable() {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const part = text.split('<!-- import-table -->')[1]
  if (!part)
    throw new Error('docs/architecture.md has no import table between <!-- import-table --> markers.')
  const table = new Map()
  for (const line of part.split('\n')) {
    const cells = line.split('|').map(cell => cell.trim())
    if (cells.length < 4 || /^-+$/.test(cells[1]) || cells[1] === 'package') continue
    const allowed =
      cells[2] === 'everything'
        ? 'everything'
        : new Set(
            cells[2]
              .split(',')
              .map(name => name.trim())
              .filter(Boolean),
          )
    table.set(cells[1], allowed)
  }
  return table
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'fixtures'].includes(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sources(path)
    else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')) yield path
  }
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g
const isTest = path => /\.(test|fuzz\.test)\.tsx?$/.test(path) || /[/\\]test[/\\]/.test(path)
const builtins = new Set(builtinModules)
const problems = []
const table = readTable()
const rooms = [
  ...readdirSync(join(root, 'packages')).map(name => ({ name, folder: join(root, 'packages', name) })),
  { name: 'e2e', folder: join(root, 'e2e') },
  { name: 'bench', folder: join(root, 'bench') },
]

for (const { name, folder } of rooms) {
  const allowed = table.get(name)
  if (allowed === undefined) {
    problems.push(
      `${relative(root, folder)}: the package is missing from the import table in docs/architecture.md`,
    )
    continue
  }
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const declared = new Set(
    [manifest, rootManifest].flatMap(m => Object.keys({ ...m.dependencies, ...m.devDependencies })),
  )
  for (const path of sources(folder)) {
    const text = readFileSync(path, 'utf8')
    const lineOf = index => text.slice(0, index).split('\n').length + (text[index] === '\n' ? 1 : 0)
    const say = (index, message) => problems.push(`${relative(root, path)}:${lineOf(index)}: ${message}`)
    for (const match of text.matchAll(importPattern)) {
      const target = match[1] ?? match[2] ?? match[3]
      if (target.startsWith('node:') || target.startsWith('virtual:')) continue
      if (target.startsWith('.')) {
        const resolved = resolve(dirname(path), target)
        if (!resolved.startsWith(`${folder}/`))
          say(match.index, `'${target}' leaves the package; import another package by its name`)
        continue
      }
      if (builtins.has(target.split('/')[0])) {
        say(match.index, `write 'node:${target}' for the built-in module`)
        continue
      }
      if (target.startsWith(scope)) {
        const [other, ...deep] = target.slice(scope.length).split('/')
        if (deep.length > 0)
          say(match.index, `'${target}' reaches into another package; import '${scope}${other}'`)
        const free = allowed === 'everything' || allowed.has(other) || other === name
        const testOnly = isTest(path) && (other === 'testkit' || name === 'testkit')
        if (!free && !testOnly)
          say(match.index, `${name} may not import ${other} (see the import table in docs/architecture.md)`)
        continue
      }
      const dependency = target.startsWith('@')
        ? target.split('/').slice(0, 2).join('/')
        : target.split('/')[0]
      if (!declared.has(dependency))
        say(match.index, `'${dependency}' is not a dependency in ${name}/package.json`)
    }
    const exit = text.search(/process\.exit\(/)
    if (exit >= 0 && !path.endsWith('main.ts') && !isTest(path))
      say(exit, 'only main.ts ends the process; throw or return instead')
  }
}

for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
else process.stdout.write('The imports follow the table.\n')
