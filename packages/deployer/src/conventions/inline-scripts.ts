import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../files/remove-tree.ts'
import { extensionOf, type ScriptSyntax } from '../scripting/languages.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, features } from './deployment.ts'

/** All of them run when all of them are given, in this order. */
const order: readonly ScriptSyntax[] = ['PowerShell', 'CSharp', 'Bash', 'Python']

/**
 * Runs the scripts of a stage that the step itself holds, with variables in them replaced. They may hold secrets, so
 * their files are for this user only and are removed in any case. Throws ERR_SCRIPT_FAILED.
 */
export async function runInlineScripts(
  stage: 'PreDeploy' | 'Deploy' | 'PostDeploy',
  { folder, variables, log, scripts }: Pick<Deployment, 'folder' | 'variables' | 'log' | 'scripts'>,
): Promise<void> {
  if (!variables.list(variableNames.enabledFeatures).includes(features.customScripts)) return
  for (const syntax of order) {
    const name = `Octopus.Action.CustomScripts.${stage}.${extensionOf(syntax)}`
    const body = variables.text(name)
    if (body === undefined) continue
    const file = join(folder, name)
    log.verbose(`Running ${name} of the step.`)
    try {
      await writeFile(file, withMark(body, syntax), { mode: 0o600 })
      await scripts.runOrThrow({ file, syntax })
    } finally {
      await removeTree(file)
    }
  }
}

/** PowerShell on Windows needs a byte order mark to read UTF-8; bash stumbles over one. */
export function withMark(body: string, syntax: ScriptSyntax): string {
  return syntax === 'PowerShell' || syntax === 'CSharp' ? `\ufeff${body}` : body
}
