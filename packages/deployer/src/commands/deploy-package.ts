import { deploy } from '../conventions/deploy.ts'
import { DeployerError } from '../errors.ts'
import { readPackage } from '../extraction/read-package.ts'
import { ScriptRunner } from '../scripting/script-runner.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Command, readVariablesOf, variableOptions } from './command.ts'

export const deployPackage: Command = {
  name: 'deploy-package',
  summary: 'Unpacks a package, sets its configuration and runs its scripts',
  options: [{ name: 'package', help: 'The package file' }, ...variableOptions],
  async run(context) {
    const { io, log, options } = context
    const { variables, journal } = await readVariablesOf(context)
    const path = options.get('package') ?? variables.text(variableNames.packageFilePath)
    if (path === undefined)
      throw new DeployerError('ERR_USAGE', 'There is no package to deploy: give --package.')
    const file = await readPackage(path, io.cwd)
    variables.set(variableNames.packageFilePath, file.path)
    const scripts = new ScriptRunner({ io, log, variables })
    await deploy({ io, log, variables, scripts, journal, package: file, folder: io.cwd })
    return 0
  },
}
