import type { Dirent, Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join, parse, resolve } from 'node:path'
import { systemCode } from '../errors.ts'
import { type GlobPart, matchesName, parseGlob } from './glob.ts'

/** Names differ by case on Linux only. */
const ignoreCase = process.platform !== 'linux'

/**
 * The files and folders that a pattern stands for, as full paths in order, each once. Relative patterns are read
 * against `folder`; `..` in them leads up. `**` does not follow links to folders, which could lead in circles.
 */
export async function findPaths(folder: string, pattern: string): Promise<string[]> {
  const found = new Set<string>()
  for (const parts of parseGlob(pattern)) {
    const root = isAbsolute(pattern) ? parse(pattern).root : resolve(folder)
    await walk(root, parts, found)
  }
  return [...found].sort()
}

async function walk(folder: string, parts: readonly GlobPart[], found: Set<string>): Promise<void> {
  const [part, ...rest] = parts
  if (part === undefined) {
    found.add(folder)
    return
  }
  const name = part.kind === 'name' ? plainName(part) : undefined
  if (name !== undefined) {
    const next = join(folder, name)
    if (await exists(next)) await walk(next, rest, found)
    else if (ignoreCase) await walkMatching(folder, part, rest, found)
    return
  }
  await walkMatching(folder, part, rest, found)
}

async function walkMatching(
  folder: string,
  part: GlobPart,
  rest: readonly GlobPart[],
  found: Set<string>,
): Promise<void> {
  if (part.kind === 'any-depth')
    await walk(folder, rest.length === 0 ? [{ kind: 'name', tokens: [{ kind: 'many' }] }] : rest, found)
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (part.kind === 'any-depth') {
      if (entry.isDirectory()) await walkMatching(path, part, rest, found)
    } else if (matchesName(part.tokens, entry.name, ignoreCase)) {
      if (rest.length === 0 || entry.isDirectory() || entry.isSymbolicLink()) await walk(path, rest, found)
    }
  }
}

/** The name that a part without wildcards stands for. */
function plainName(part: GlobPart): string | undefined {
  if (part.kind !== 'name') return undefined
  let name = ''
  for (const token of part.tokens) {
    if (token.kind !== 'text') return undefined
    name += token.text
  }
  return name
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (['ENOTDIR', 'ENOENT', 'EACCES'].includes(systemCode(error) ?? '')) return []
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return (await statOf(path)) !== undefined
}

/** What is at a path, links followed; `undefined` for nothing. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}
