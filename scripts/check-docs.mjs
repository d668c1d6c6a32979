/**
 * Checks that everything which packages/halibut exports says what it is: each exported declaration of its sources has a
 * doc comment directly before it, and so has each member of the types that its index offers. A comment must say more
 * than the name does. The sources are formatted, so lines and indentation tell what is where.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'packages/halibut/src')

const declaration = /^export (?:(?:abstract|async|declare) )*(const|function\*?|class|interface|type) (\w+)/
/** A member of an interface, class or object: not `#private`, not the continuation of a line. */
const member =
  /^ {2}(?!#|private\b)(?:(?:readonly|static|override|async|get|set|declare) )*(\[?[\w.]+\]?)\??(?:[:(<,]| =)/
/** A member of an object type inside another member. Parameters are not `readonly`. */
const innerMember = /^ {4,}readonly (\w+)\??:/
const alternative = /^ {2}\| \{ readonly kind: '(\w+)'/
/** The line after a block: its closing brace, or what comes next where a declaration has no block. */
const blockEnd = /^(?:\}|\/\*\*|export|import|const|let|class|interface|type|function|async)/
const fillers = new Set(['a', 'an', 'the', 'of', 'this', 'its', 'is', 'and'])

/** The doc comment that ends on the line before, or undefined. */
function commentBefore(lines, index) {
  if (!lines[index - 1]?.trimEnd().endsWith('*/')) return undefined
  let first = index - 1
  while (first >= 0 && !lines[first].trimStart().startsWith('/*')) first--
  const text = lines.slice(first, index).join('\n').trim()
  return text.startsWith('/**') ? text : undefined
}

const wordsOf = text => text.toLowerCase().match(/[a-z0-9]+/g) ?? []

/** Whether a comment has no word that the name does not have. */
function repeatsName(comment, name) {
  const known = new Set(wordsOf(name.replace(/([a-z])([A-Z])/g, '$1 $2')))
  return wordsOf(comment).every(word => known.has(word) || fillers.has(word))
}

/** What a name lacks, or undefined. */
function gapAt(lines, index, name) {
  const comment = commentBefore(lines, index)
  if (comment === undefined) return `'${name}' has no doc comment directly before it`
  return repeatsName(comment, name)
    ? `the doc comment of '${name}' says nothing that its name does not`
    : undefined
}

/** The names in one block whose members count, with the lines on which they stand. */
function* membersOf(lines, start, kind, name) {
  const isType = kind === 'interface' || kind === 'type'
  for (let i = start + 1; i < lines.length && !blockEnd.test(lines[i]); i++) {
    const found =
      member.exec(lines[i]) ?? (isType ? (innerMember.exec(lines[i]) ?? alternative.exec(lines[i])) : null)
    if (found) yield [i, `${name}.${found[1]}`]
  }
}

/**
 * What a source lacks.
 *
 * @param withMembers names of the declarations whose members need comments as well
 * @returns {{ line: number, message: string }[]}
 */
export function findGaps(text, withMembers) {
  const lines = text.split('\n')
  const gaps = []
  const check = (index, name) => {
    const message = gapAt(lines, index, name)
    if (message) gaps.push({ line: index + 1, message })
  }
  for (const [index, line] of lines.entries()) {
    const [, kind, name] = declaration.exec(line) ?? []
    if (name === undefined) continue
    check(index, name)
    // A constant with a declared type has its members described there.
    const hasMembers = ['class', 'interface', 'type'].includes(kind) || /^export const \w+ = \{$/.test(line)
    if (hasMembers && withMembers.has(name))
      for (const [at, memberName] of membersOf(lines, index, kind, name)) check(at, memberName)
  }
  return gaps
}

/** What the index offers: for each file the names. */
function readIndex() {
  const offered = new Map()
  const text = readFileSync(join(source, 'index.ts'), 'utf8')
  for (const [, names, file] of text.matchAll(/export (?:type )?\{([^}]*)\} from '\.\/([^']+)'/g)) {
    const list = names.split(',').map(name => name.trim().replace(/^type /, ''))
    offered.set(file, new Set([...(offered.get(file) ?? []), ...list.filter(Boolean)]))
  }
  return offered
}

function checkAll() {
  const offered = readIndex()
  let problems = 0
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue
    const path = join(entry.parentPath, entry.name)
    const inSource = relative(source, path).replaceAll('\\', '/')
    for (const { line, message } of findGaps(
      readFileSync(path, 'utf8'),
      offered.get(inSource) ?? new Set(),
    )) {
      problems++
      process.stderr.write(`${relative(root, path)}:${line}: ${message}\n`)
    }
  }
  if (problems > 0) process.exitCode = 1
  else process.stdout.write('Everything that packages/halibut exports has its doc comment.\n')
}

if (import.meta.filename === process.argv[1]) checkAll()
