import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Deployment } from '../conventions/deployment.ts'
import { setOutput } from '../conventions/deployment.ts'
import { withMark } from '../conventions/inline-scripts.ts'
import { recordInstallation } from '../conventions/record-installation.ts'
import { packageOfScript, stageReferencedPackages, unpackInto } from '../conventions/stage-packages.ts'
import { setStructuredVariables } from '../conventions/structured-variables.ts'
import { substituteInFile, substituteInFiles } from '../conventions/substitute-in-files.ts'
import { DeployerError, systemCode } from '../errors.ts'
import { removeTree } from '../files/remove-tree.ts'
import {
  extensionOf,
  parseSyntax,
  type ScriptSyntax,
  syntaxesByPreference,
  syntaxOfFile,
} from '../scripting/languages.ts'
import { ScriptRunner } from '../scripting/script-runner.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Command, type CommandContext, readVariablesOf, variableOptions } from './command.ts'

/** What a script that only wrote to its error output ends with, where the step takes that for a failure. */
const errorOutputExitCode = 255

/** The script of a step: its text, or the name of a file that the package brings. */
type ScriptSource =
  | { readonly kind: 'inline'; readonly body: string; readonly syntax: ScriptSyntax }
  | { readonly kind: 'file'; readonly name: string }

export const runScript: Command = {
  name: 'run-script',
  summary: 'Runs a script in the current folder and answers its exit code',
  options: [
    { name: 'package', help: 'A package to unpack here first' },
    { name: 'script', help: 'The script file; normally the variables name the script' },
    { name: 'scriptParameters', help: 'What is passed to the script; normally in the variables' },
    ...variableOptions,
  ],
  run,
}

async function run(context: CommandContext): Promise<number> {
  const { io, log, options } = context
  const { variables, journal } = await readVariablesOf(context)
  const scripts = new ScriptRunner({ io, log, variables })
  const source = scriptSource(options.get('script'), { variables, log })
  const file = await packageOfScript(options.get('package'), { variables, io })
  const work: Deployment = { io, log, variables, scripts, journal, package: file, folder: io.cwd }
  if (file !== undefined) {
    await unpackInto(work.folder, file, work)
    variables.set(variableNames.originalPackageFolder, work.folder)
  }
  await stageReferencedPackages(work)
  const parameters = options.get('scriptParameters') ?? variables.get(variableNames.scriptParameters) ?? ''
  const exitCode = await withScriptFile(source, work, async (path, syntax) => {
    await substituteInFiles(work)
    await setStructuredVariables(work)
    const { exitCode: code, wroteErrors } = await scripts.run({ file: path, syntax, parameters })
    setOutput(work, 'Octopus.Action.Script.ExitCode', String(code))
    if (code !== 0 || !scripts.failsOnErrors(wroteErrors)) return code
    log.error('The script wrote to its error output, which this step takes for a failure.')
    return errorOutputExitCode
  })
  if (file !== undefined) await recordInstallation(work, work.folder, exitCode === 0)
  return exitCode
}

function scriptSource(
  option: string | undefined,
  { variables, log }: Pick<Deployment, 'variables' | 'log'>,
): ScriptSource {
  const body = variables.getRaw(variableNames.scriptBody)
  if (body !== undefined && body !== '') {
    const syntax = variables.text(variableNames.scriptSyntax)
    const [first = 'Bash'] = syntaxesByPreference()
    if (syntax === undefined)
      log.warn(`The variables do not say what language the script is in; it is run as ${first}.`)
    return { kind: 'inline', body, syntax: syntax === undefined ? first : parseSyntax(syntax) }
  }
  for (const syntax of syntaxesByPreference()) {
    const own = variables.getRaw(`${variableNames.scriptBody}[${syntax}]`)
    if (own !== undefined && own !== '') return { kind: 'inline', body: own, syntax }
  }
  const name = option ?? variables.text(variableNames.scriptFileName)
  if (name !== undefined) return { kind: 'file', name }
  throw new DeployerError(
    'ERR_NO_SCRIPT',
    `There is no script to run: set ${variableNames.scriptBody} or ${variableNames.scriptFileName}.`,
  )
}

/** Puts the script in place with its variables replaced; one that was written here is removed again. */
async function withScriptFile(
  source: ScriptSource,
  work: Deployment,
  use: (path: string, syntax: ScriptSyntax) => Promise<number>,
): Promise<number> {
  if (source.kind === 'file') {
    const path = resolve(work.folder, source.name)
    await requireFile(path, source.name)
    await substituteInFile(path, work)
    return await use(path, syntaxOfFile(path) ?? unknownLanguage(source.name))
  }
  const path = join(work.folder, `Script.${extensionOf(source.syntax)}`)
  try {
    const { text } = work.variables.evaluate(source.body, { haltOnError: false })
    await removeTree(path)
    await writeFile(path, withMark(text, source.syntax), { mode: 0o600, flag: 'wx' })
    return await use(path, source.syntax)
  } finally {
    await removeTree(path)
  }
}

async function requireFile(path: string, name: string): Promise<void> {
  try {
    await readFile(path)
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    throw new DeployerError(
      'ERR_NO_SCRIPT',
      `The script ${name} does not exist in ${path}. Is it spelled as in the package?`,
      { cause: error },
    )
  }
}

function unknownLanguage(name: string): never {
  const known = syntaxesByPreference().map(syntax => `.${extensionOf(syntax)}`)
  throw new DeployerError(
    'ERR_LANGUAGE',
    `The language of ${name} is not known by its extension. There are: ${known.join(', ')}.`,
  )
}
