import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../files/remove-tree.ts'
import { type ScriptSyntax, syntaxesByPreference, syntaxOfFile } from '../scripting/languages.ts'
import { variableNames } from '../variables/variable-names.ts'
import type { Deployment } from './deployment.ts'

export type ScriptStage = 'PreDeploy' | 'Deploy' | 'PostDeploy' | 'DeployFailed'

interface PackagedScript {
  readonly name: string
  readonly syntax: ScriptSyntax
}

type Work = Pick<Deployment, 'folder' | 'variables' | 'log' | 'scripts'>

/**
 * Runs the script of a stage that the package brings in its root, in the language that the platform prefers, and
 * removes all scripts of the stage. Throws ERR_SCRIPT_FAILED; the scripts stay then.
 */
export async function runPackagedScript(stage: ScriptStage, work: Work): Promise<void> {
  if (stage !== 'DeployFailed' && !work.variables.flag(variableNames.runPackagedScripts, true)) return
  const scripts = await findScripts(stage, work.folder)
  const [chosen, ...others] = scripts
  if (chosen === undefined) return
  if (others.length > 0) {
    const names = others.map(({ name }) => name).join(', ')
    work.log.verbose(`The package has ${stage} in several languages: ${chosen.name} is run, ${names} is not.`)
  }
  work.log.verbose(`Running ${chosen.name} of the package.`)
  await work.scripts.runOrThrow({ file: join(work.folder, chosen.name), syntax: chosen.syntax })
  await removePackagedScripts(stage, work)
}

/** Removes the scripts of a stage, unless the step keeps them. */
export async function removePackagedScripts(stage: ScriptStage, work: Work): Promise<void> {
  if (!work.variables.flag(variableNames.deleteScripts, true)) return
  for (const { name } of await findScripts(stage, work.folder)) await removeTree(join(work.folder, name))
}

async function findScripts(stage: ScriptStage, folder: string): Promise<PackagedScript[]> {
  const order = syntaxesByPreference()
  const scripts: PackagedScript[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const syntax = syntaxOfFile(entry.name)
    const stem = entry.name.slice(0, entry.name.lastIndexOf('.'))
    if (entry.isDirectory() || syntax === undefined || stem.toLowerCase() !== stage.toLowerCase()) continue
    scripts.push({ name: entry.name, syntax })
  }
  return scripts.sort(
    (a, b) => order.indexOf(a.syntax) - order.indexOf(b.syntax) || (a.name < b.name ? -1 : 1),
  )
}
