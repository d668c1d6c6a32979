import { evaluate } from '@tentacle/octostache'
import { ServerError } from '../errors.ts'
import { type RuntimeVariable, toTemplateVariables, variableValue } from '../variables/variable-list.ts'
import { bashHelpers } from './bash-helpers.ts'
import type { Deployer, ScriptBody } from './deployer-for-machine.ts'

const bashOnWindows = [
  '[Console]::Error.WriteLine("This is a Bash script, and this machine runs Windows. Choose other targets, or write it in PowerShell.")',
  'exit 1',
  '',
].join('\r\n')

/** A bash script that lets another interpreter run the script file, or says that it is missing. */
function runWith(program: string, arguments_: string, what: string): string {
  return [
    `if ! command -v ${program} > /dev/null 2>&1; then`,
    `  echo "${what} (${program}) is not installed on this machine, and this script needs it." >&2`,
    '  exit 1',
    'fi',
    `exec ${program} ${arguments_}`,
    '',
  ].join('\n')
}

function bodyFor(syntax: string, script: string, variables: readonly RuntimeVariable[]): ScriptBody {
  switch (syntax.toLowerCase()) {
    case 'bash':
      return {
        bash: '. ./octopus-functions.sh\n. ./script.sh\n',
        powerShell: bashOnWindows,
        files: [
          { name: 'octopus-functions.sh', contents: bashHelpers(variables) },
          // Files are taken as they are, unlike the body of which the Tentacle mends the line ends.
          { name: 'script.sh', contents: script.replaceAll('\r\n', '\n') },
        ],
      }
    case 'powershell':
      return {
        bash: runWith('pwsh', '-NoLogo -NoProfile -NonInteractive -File ./script.ps1', 'PowerShell'),
        powerShell: script,
        files: [{ name: 'script.ps1', contents: `\uFEFF${script}` }],
      }
    case 'python':
      return {
        bash: runWith('python3', '-u ./script.py', 'Python'),
        powerShell: '& python -u .\\script.py\r\nexit $LASTEXITCODE\r\n',
        files: [{ name: 'script.py', contents: script }],
      }
    default:
      throw new ServerError(
        'ERR_INVALID_INPUT',
        `Scripts in the language '${syntax}' cannot be run on this machine: its Tentacle has no deployer of ours. ` +
          'Bash, PowerShell and Python work.',
      )
  }
}

function wanted(variables: readonly RuntimeVariable[], name: string): string {
  return variableValue(variables, name) ?? ''
}

/**
 * Works on every Tentacle: the server itself replaces the variables in the script and sends small helper functions
 * along. What is only known on the machine (its environment variables) is not replaced.
 */
export const plainDeployer: Deployer = {
  async runScript(variables) {
    const source = wanted(variables, 'Octopus.Action.Script.ScriptSource')
    const body =
      variables.find(({ name }) => name.toLowerCase() === 'octopus.action.script.scriptbody')?.value ?? ''
    if ((source !== '' && source.toLowerCase() !== 'inline') || body.trim() === '') {
      throw new ServerError(
        'ERR_INVALID_INPUT',
        'This machine has a Tentacle without a deployer of ours: only scripts that are written into the step can run ' +
          'on it, not scripts from packages.',
      )
    }
    const { text } = evaluate(body, toTemplateVariables(variables), { haltOnError: false })
    return bodyFor(wanted(variables, 'Octopus.Action.Script.Syntax') || 'Bash', text, variables)
  },
  deployPackage: undefined,
  findPackage: undefined,
  packageRefusal:
    'The Tentacle of this machine has no deployer: it is not one of ours, or too old. Packages can be deployed only ' +
    "to Tentacles that announce it. Install this project's Tentacle on the machine, or use script steps.",
}
