import type { RuntimeVariable } from '../variables/variable-list.ts'
import type { Deployer, ScriptBody } from './deployer-for-machine.ts'
import { quoteBash, quotePowerShell } from './quoting.ts'
import { encryptVariables, newFilePassword } from './variables-file.ts'

/** The variables file beside the script; the script's folder is its working directory. */
const variablesFile = 'Variables.secret'

interface DeployerCall {
  readonly command: string
  /** Name and value of each option. */
  readonly options: readonly (readonly [string, string])[]
}

/** A script that hands its work over to the deployer in the Tentacle's own executable. */
function handOver({ command, options }: DeployerCall, files: ScriptBody['files']): ScriptBody {
  const bash = options.map(([name, value]) => ` --${name} ${quoteBash(value)}`).join('')
  const powerShell = options.map(([name, value]) => ` --${name} ${quotePowerShell(value)}`).join('')
  return {
    bash: [
      'if [ -z "$TentacleExecutablePath" ]; then',
      '  echo "The Tentacle did not tell where its executable is (TentacleExecutablePath)." >&2',
      '  exit 1',
      'fi',
      `exec "$TentacleExecutablePath" ${command}${bash}`,
      '',
    ].join('\n'),
    powerShell: [`& $env:TentacleExecutablePath ${command}${powerShell}`, 'exit $LASTEXITCODE', ''].join(
      '\r\n',
    ),
    files,
  }
}

async function withVariables(
  command: string,
  options: readonly (readonly [string, string])[],
  variables: readonly RuntimeVariable[],
): Promise<ScriptBody> {
  const password = newFilePassword()
  const contents = await encryptVariables(variables, password)
  return handOver(
    { command, options: [...options, ['variables', variablesFile], ['variablesPassword', password]] },
    [{ name: variablesFile, contents }],
  )
}

/** Works on Tentacles that announce the deployer: docs/wire/orchestration.md, deployers. */
export const ownDeployer: Deployer = {
  runScript: (variables, packagePath) =>
    withVariables('run-script', packagePath === undefined ? [] : [['package', packagePath]], variables),
  deployPackage: (packagePath, variables) =>
    withVariables('deploy-package', [['package', packagePath]], variables),
  findPackage: ({ packageId, version, hash }) =>
    handOver(
      {
        command: 'find-package',
        options: [
          ['packageId', packageId],
          ['packageVersion', version],
          ['packageHash', hash],
          ['exactMatch', 'true'],
        ],
      },
      [],
    ),
  packageRefusal: '',
}
