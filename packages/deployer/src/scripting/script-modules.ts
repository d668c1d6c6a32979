import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../files/remove-tree.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { extensionOf, parseSyntax, type ScriptSyntax } from './languages.ts'

const moduleVariable = 'Octopus.Script.Module'

interface ScriptModule {
  readonly name: string
  readonly body: string
}

/**
 * Puts the library modules of a language beside a script, where `source Name.sh` and `import Name` find them, and
 * removes them after the work. A file of the package with the same name is left alone.
 */
export async function withScriptModules<T>(
  syntax: ScriptSyntax,
  folder: string,
  variables: ExecutionVariables,
  work: (files: readonly string[]) => Promise<T>,
): Promise<T> {
  const written: string[] = []
  try {
    for (const { name, body } of modulesOf(syntax, variables)) {
      const file = join(folder, `${name}.${syntax === 'PowerShell' ? 'psm1' : extensionOf(syntax)}`)
      if (await exists(file)) continue
      written.push(file)
      await writeFile(file, syntax === 'Bash' ? body.replaceAll('\r\n', '\n') : body, {
        mode: 0o600,
        flag: 'wx',
      })
    }
    return await work(written)
  } finally {
    for (const file of written) await removeTree(file)
  }
}

function modulesOf(syntax: ScriptSyntax, variables: ExecutionVariables): ScriptModule[] {
  const modules: ScriptModule[] = []
  for (const index of variables.indexes(moduleVariable)) {
    const language = variables.text(`${moduleVariable}.Language[${index}]`) ?? 'PowerShell'
    const body = variables.getRaw(`${moduleVariable}[${index}]`)
    const name = index.replace(/[^\p{L}\p{Nd}_]/gu, '')
    if (body !== undefined && name !== '' && parseSyntax(language) === syntax) modules.push({ name, body })
  }
  return modules
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
