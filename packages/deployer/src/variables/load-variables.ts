import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DeployerError, systemCode } from '../errors.ts'
import type { Environment } from '../io.ts'
import { ExecutionVariables } from './execution-variables.ts'
import { variableNames } from './variable-names.ts'
import { type FileVariable, readSensitiveVariables, readVariables } from './variables-file.ts'

/** Where the variables of a command come from, as its command line says. */
export interface VariableSources {
  readonly files: readonly string[]
  readonly password: string | undefined
  readonly sensitiveFile: string | undefined
  readonly sensitivePassword: string | undefined
}

/**
 * Reads the variables in their order, later ones over earlier ones: the files, the old sensitive file, the process
 * environment as `env:NAME`, and the file that AdditionalVariablesPath names. Throws ERR_VARIABLES_FILE.
 */
export async function loadVariables(
  sources: VariableSources,
  { env, cwd }: { readonly env: Environment; readonly cwd: string },
): Promise<ExecutionVariables> {
  const variables = new ExecutionVariables()
  const addAll = (added: readonly FileVariable[]) => {
    for (const { name, value, isSensitive } of added) variables.set(name, value, isSensitive)
  }
  for (const file of sources.files) {
    addAll(readVariables(await readBytes(resolve(cwd, file)), sources.password, file))
  }
  if (sources.sensitiveFile !== undefined) {
    const bytes = await readBytes(resolve(cwd, sources.sensitiveFile))
    addAll(readSensitiveVariables(bytes, sources.sensitivePassword, sources.sensitiveFile))
  }
  for (const [name, value] of Object.entries(env))
    if (value !== undefined) variables.set(`env:${name}`, value)
  variables.set('Octopus.Tentacle.Agent.InstanceName', '#{env:TentacleInstanceName}')
  const additional =
    variables.text(variableNames.additionalVariablesPath) ?? env[variableNames.additionalVariablesPath]
  if (additional !== undefined && additional !== '') {
    const path = resolve(cwd, additional)
    addAll(
      readSensitiveVariables(await readBytes(path), undefined, path).map(added => ({
        ...added,
        isSensitive: false,
      })),
    )
  }
  return variables
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const reason =
      systemCode(error) === 'ENOENT'
        ? 'does not exist'
        : `cannot be read (${systemCode(error) ?? 'unknown reason'})`
    throw new DeployerError('ERR_VARIABLES_FILE', `The variables file ${path} ${reason}.`, { cause: error })
  }
}
