import { relative, resolve } from 'node:path'
import { DeployerError } from '../errors.ts'
import { findPaths, statOf } from '../files/find-files.ts'
import { encodeText, parseEncoding, readText, replaceFile, type TextEncoding } from '../files/text-file.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, features } from './deployment.ts'

type Work = Pick<Deployment, 'folder' | 'variables' | 'log'>

/**
 * Replaces `#{variables}` in the files that the step names, one pattern per line (docs/wire/deployment.md, section 9).
 * A piece that cannot be evaluated stays as it is and is logged with its place; only a step that asks for it fails
 * over one, with ERR_SUBSTITUTION.
 */
export async function substituteInFiles(work: Work): Promise<void> {
  const { variables } = work
  if (!variables.list(variableNames.enabledFeatures).includes(features.substituteInFiles)) return
  for (const pattern of variables.lines(variableNames.substitutionTargets)) {
    const files = await targetFiles(work, pattern)
    if (files.length === 0 && variables.flag(variableNames.substitutionNoMatchWarning, true)) {
      work.log.warn(`No file matches ${pattern} in ${work.folder}, so no variables were replaced there.`)
    }
    for (const file of files) await substituteInFile(file, work)
  }
}

/** The files that a pattern stands for, in the folder of the package and in the folders that the step adds. */
export async function targetFiles({ folder, variables }: Work, pattern: string): Promise<string[]> {
  const folders = [
    folder,
    ...variables.list(variableNames.additionalPaths).map(path => resolve(folder, path)),
  ]
  const files = new Set<string>()
  for (const base of folders) {
    for (const path of await findPaths(base, pattern))
      if ((await statOf(path))?.isFile() === true) files.add(path)
  }
  return [...files]
}

/** Replaces the variables in one file; a file in which nothing changes is not written. */
export async function substituteInFile(path: string, { folder, variables, log }: Work): Promise<void> {
  const original = await readText(path)
  const name = relative(folder, path)
  const { text, problems, missing } = variables.evaluate(original.text, { haltOnError: false })
  const failures = [
    ...problems.map(({ offset, message }) => `line ${lineAt(original.text, offset)}: ${message}`),
    ...missing.map(token => `no value was found for ${token}`),
  ]
  for (const failure of failures) log.verbose(`${name}: ${failure}`)
  if (failures.length > 0 && variables.flag(variableNames.failOnSubstitution)) {
    throw new DeployerError(
      'ERR_SUBSTITUTION',
      `The variables in ${name} could not be replaced: ${failures.join('; ')}`,
    )
  }
  if (text === original.text) return
  const encoding = outputEncoding({ variables, log }) ?? original.encoding
  const bytes = encodeText({ text, encoding, hasMark: original.hasMark })
  if (bytes === undefined) {
    log.warn(
      `${name} cannot be written in ${encoding}, which lacks a character of the new text; it is written in UTF-8.`,
    )
  }
  await replaceFile(path, bytes ?? Buffer.from(text, 'utf8'))
  log.verbose(`Replaced the variables in ${name}.`)
}

function outputEncoding({ variables, log }: Pick<Work, 'variables' | 'log'>): TextEncoding | undefined {
  const name = variables.text(variableNames.substitutionOutputEncoding)
  const encoding = name === undefined ? undefined : parseEncoding(name)
  if (name !== undefined && encoding === undefined)
    log.warn(`The encoding ${name} is not known; files keep theirs.`)
  return encoding
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
