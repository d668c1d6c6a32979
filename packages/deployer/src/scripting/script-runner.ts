import { readFile, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { DeployerError, systemCode } from '../errors.ts'
import type { DeployerIo, Environment } from '../io.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import type { ServiceMessage } from '../log/service-message.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { variableNames } from '../variables/variable-names.ts'
import { bashBootstrap } from './bash-bootstrap.ts'
import { helperFiles } from './helper-files.ts'
import type { ScriptSyntax } from './languages.ts'
import { type PrivateFolder, withPrivateFolder } from './private-folder.ts'
import { type ProcessResult, runProcess } from './run-process.ts'
import { withScriptModules } from './script-modules.ts'
import { scriptValues } from './script-values.ts'
import { splitParameters } from './split-parameters.ts'

export interface ScriptRequest {
  /** The full path of the script; its folder is where it runs. */
  readonly file: string
  readonly syntax: ScriptSyntax
  readonly parameters?: string
}

interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Environment
}

/** Runs scripts of any language for one command and takes up the variables that they set. */
export class ScriptRunner {
  private readonly io: DeployerIo
  private readonly log: DeploymentLog
  private readonly variables: ExecutionVariables

  constructor({ io, log, variables }: { io: DeployerIo; log: DeploymentLog; variables: ExecutionVariables }) {
    this.io = io
    this.log = log
    this.variables = variables
  }

  /** Runs a script and answers how it ended. Throws ERR_NO_SCRIPT, ERR_LANGUAGE and ERR_CANCELLED. */
  async run(request: ScriptRequest): Promise<ProcessResult> {
    const { file, syntax } = request
    return await withScriptModules(syntax, dirname(file), this.variables, modules =>
      withPrivateFolder(async folder => {
        const { command, args, env } = await this.prepare(request, folder, modules)
        const { stdout, stderr, signal } = this.io
        this.log.reset()
        const onMessage = (message: ServiceMessage) => this.take(message)
        return await runProcess({
          command,
          args,
          cwd: dirname(file),
          env: { ...this.io.env, ...env },
          stdout,
          stderr,
          log: this.log,
          signal,
          onMessage,
        })
      }),
    )
  }

  /** Like run; a script that fails throws ERR_SCRIPT_FAILED. */
  async runOrThrow(request: ScriptRequest): Promise<void> {
    const { exitCode, wroteErrors } = await this.run(request)
    const name = basename(request.file)
    if (exitCode !== 0)
      throw new DeployerError('ERR_SCRIPT_FAILED', `The script ${name} ended with exit code ${exitCode}.`)
    if (this.failsOnErrors(wroteErrors)) {
      throw new DeployerError(
        'ERR_SCRIPT_FAILED',
        `The script ${name} wrote to its error output, which this step takes for a failure.`,
      )
    }
  }

  /** Whether error output alone makes a script fail, as a step may ask for. */
  failsOnErrors(wroteErrors: boolean): boolean {
    return wroteErrors && this.variables.flag(variableNames.failOnErrorOutput)
  }

  /** What a script sets is known to the conventions and scripts after it. */
  private take({ name, attributes }: ServiceMessage): void {
    const variable = attributes.get('name')
    if (name !== 'setVariable' || variable === undefined) return
    const isSensitive = attributes.get('sensitive')?.toLowerCase() === 'true'
    this.variables.set(variable, attributes.get('value') ?? '', isSensitive)
  }

  private async prepare(
    request: ScriptRequest,
    folder: PrivateFolder,
    modules: readonly string[],
  ): Promise<Launch> {
    const values = scriptValues(this.variables, this.log)
    const { file, syntax, parameters = '' } = request
    switch (syntax) {
      case 'Bash': {
        const scriptText = await unixLineEnds(file)
        const variablesFile = await folder.write('variables.sh', '')
        const showEnvironment = !this.variables.flag(variableNames.suppressEnvironmentLog)
        const texts = bashBootstrap({
          script: file,
          scriptText,
          parameters,
          variablesFile,
          values,
          showEnvironment,
        })
        await writeFile(variablesFile, texts.variables)
        return { command: 'bash', args: [await folder.write('bootstrap.sh', texts.bootstrap)] }
      }
      case 'Python': {
        await readScript(file)
        const variablesFile = await folder.write('variables.json', JSON.stringify(Object.fromEntries(values)))
        const bootstrap = await folder.write('bootstrap.py', helperFiles.python())
        const command = process.platform === 'win32' ? 'python' : 'python3'
        const args = ['-u', bootstrap, file, variablesFile, ...splitParameters(parameters)]
        return { command, args, env: { PYTHONIOENCODING: 'utf-8' } }
      }
      case 'PowerShell': {
        await readScript(file)
        const list = Array.from(values, ([k, v]) => ({ k, v }))
        const variablesFile = await folder.write('variables.json', JSON.stringify(list))
        // Windows PowerShell takes files without a byte order mark for the code page of the system.
        const bootstrap = await folder.write('bootstrap.ps1', `\ufeff${helperFiles.powerShell()}`)
        // In files, because PowerShell would take a parameter that starts with a dash for one of its own.
        const parametersFile = await folder.write('parameters.txt', `\ufeff${parameters}`)
        const modulesFile = await folder.write('modules.txt', `\ufeff${modules.join('\n')}`)
        return this.powerShell([bootstrap, file, variablesFile, parametersFile, modulesFile])
      }
      case 'CSharp':
        throw new DeployerError(
          'ERR_LANGUAGE',
          `The script ${basename(file)} was not run: C# scripts are not supported.`,
        )
    }
  }

  private powerShell(args: readonly string[]): Launch {
    const isCore =
      process.platform !== 'win32' ||
      this.variables.text('Octopus.Action.PowerShell.Edition')?.toLowerCase() === 'core'
    const noProfile = this.variables.flag('Octopus.Action.PowerShell.ExecuteWithoutProfile')
      ? ['-NoProfile']
      : []
    const options = [...noProfile, '-NoLogo', '-NonInteractive', '-ExecutionPolicy', 'Unrestricted', '-File']
    return { command: isCore ? 'pwsh' : 'PowerShell.exe', args: [...options, ...args] }
  }
}

/**
 * Bash takes a carriage return for a part of the command and a byte order mark for a part of its name, so scripts from
 * Windows lose both. Bytes are kept as they are, whatever the encoding.
 */
async function unixLineEnds(file: string): Promise<string> {
  const text = (await readScript(file)).toString('latin1')
  const changed = text.replace(/^\u00ef\u00bb\u00bf/, '').replaceAll('\r\n', '\n')
  if (changed !== text) await writeFile(file, changed, 'latin1')
  return changed
}

async function readScript(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new DeployerError(
      'ERR_NO_SCRIPT',
      `The script ${file} cannot be read (${systemCode(error) ?? 'unknown reason'}).`,
      { cause: error },
    )
  }
}
