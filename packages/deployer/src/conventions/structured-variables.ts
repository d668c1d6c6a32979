import { extname, relative } from 'node:path'
import { DeployerError, toError } from '../errors.ts'
import { encodeText, readText, replaceFile } from '../files/text-file.ts'
import { replaceInJson } from '../structured/json-replacer.ts'
import {
  NotThisFormatError,
  type ReplacementResult,
  type ReplacementSource,
} from '../structured/replacement.ts'
import { replaceInYaml } from '../structured/yaml-replacer.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, features } from './deployment.ts'
import { targetFiles } from './substitute-in-files.ts'

type Work = Pick<Deployment, 'folder' | 'variables' | 'log'>
type Replacer = (text: string, source: ReplacementSource) => ReplacementResult

/**
 * Sets values in the configuration files that the step names, one pattern per line: a variable called like the path of
 * a value replaces it (docs/wire/deployment.md, section 11). Throws ERR_STRUCTURED_VARIABLES for a file that cannot be
 * read in any format.
 */
export async function setStructuredVariables(work: Work): Promise<void> {
  const { variables, log, folder } = work
  if (!variables.list(variableNames.enabledFeatures).includes(features.structuredVariables)) return
  for (const pattern of variables.lines(variableNames.structuredTargets)) {
    const files = await targetFiles(work, pattern)
    if (files.length === 0) log.warn(`No file matches ${pattern} in ${folder}, so no values were set there.`)
    for (const file of files) await setInFile(file, work)
  }
}

async function setInFile(path: string, { folder, variables, log }: Work): Promise<void> {
  const name = relative(folder, path)
  const file = await readText(path)
  const source: ReplacementSource = {
    valueFor: lookUp(variables),
    warn: message => log.warn(`${name}: ${message}`),
  }
  const { text, count } = replace(file.text, name, source, variables.flag(variableNames.jsonFallback))
  if (count === 0) {
    log.info(`No variable is called like a value of ${name}; it is left as it is.`)
    return
  }
  await replaceFile(path, encodeText({ ...file, text }) ?? Buffer.from(text, 'utf8'))
  log.info(`Set ${count} ${count === 1 ? 'value' : 'values'} in ${name}.`)
}

/** JSON is tried first whatever the file is called; a file that no format fits is an error with the last reason. */
function replace(
  text: string,
  name: string,
  source: ReplacementSource,
  isJsonOnly: boolean,
): ReplacementResult {
  let reason = ''
  for (const replacer of isJsonOnly ? [replaceInJson] : replacersFor(name, text)) {
    try {
      return replacer(text, source)
    } catch (error) {
      if (!(error instanceof NotThisFormatError)) throw error
      reason = toError(error).message
    }
  }
  throw new DeployerError('ERR_STRUCTURED_VARIABLES', `No values can be set in ${name}: ${reason}.`)
}

function replacersFor(name: string, text: string): readonly Replacer[] {
  switch (extname(name).toLowerCase()) {
    case '.json':
      return [replaceInJson]
    case '.yaml':
    case '.yml':
      return [replaceInJson, replaceInYaml]
    case '.xml':
    case '.properties':
      return [replaceInJson, unsupported]
    default:
      return text.trimStart().startsWith('<') ? [unsupported] : [replaceInJson, replaceInYaml]
  }
}

function unsupported(): never {
  throw new NotThisFormatError(
    'values can be set in JSON and YAML files only; XML and properties files are not supported yet',
  )
}

/** Names that begin with Octopus belong to the server, except for a section that an application calls Octopus itself. */
function lookUp(variables: ExecutionVariables): (path: string) => string | undefined {
  const names = new Map(variables.names().map(name => [name.toLowerCase(), name]))
  return path => {
    if (path.startsWith('octopus') && !path.startsWith('octopus:')) return undefined
    const name = names.get(path)
    return name === undefined ? undefined : variables.get(name)
  }
}
