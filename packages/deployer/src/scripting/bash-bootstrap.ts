import { helperFiles } from './helper-files.ts'
import type { ScriptValues } from './script-values.ts'

/** The files of a bash run, by name: the one that bash is started with, and the one with the variables. */
export interface BashBootstrap {
  readonly bootstrap: string
  readonly variables: string
}

/** Names of variables that scripts get in the array octopus_parameters would make no sense of. */
const notInArray = /^(?:Octopus\.Script\.Module|Octopus\.Deployment\.PackageBuildInformation)/i

/**
 * Makes the files that a bash script is run with. The variables are one function with one arm per variable, read by
 * bash in one go: reading a variable starts no process, and the file is removed as soon as it was read.
 *
 * `parameters` are appended as they are: the shell that runs the script takes them apart.
 */
export function bashBootstrap(options: {
  readonly script: string
  readonly scriptText: string
  readonly parameters: string
  readonly variablesFile: string
  readonly values: ScriptValues
  readonly showEnvironment: boolean
}): BashBootstrap {
  const { script, scriptText, parameters, variablesFile, values, showEnvironment } = options
  const wantsArray = scriptText.includes('octopus_parameters[')
  const bootstrap = [
    `. ${quote(variablesFile)} && rm -f ${quote(variablesFile)} || exit 1`,
    helperFiles.bash(),
    showEnvironment ? environmentLines : '',
    `. ${quote(script)} ${parameters}`,
    '',
  ]
  return {
    bootstrap: bootstrap.join('\n'),
    variables: variablesFunction(values) + (wantsArray ? variablesArray(values) : ''),
  }
}

const environmentLines = `
printf '##octopus[stdout-verbose]\\n'
printf '%s\\n' "Machine: $(uname -n), system: $(uname -sr), user: $(id -un 2>/dev/null || id -u)"
printf '%s\\n' "Folder: $PWD, bash \${BASH_VERSION:-}"
printf '##octopus[stdout-default]\\n'
`

function variablesFunction(values: ScriptValues): string {
  const arms = Array.from(values, ([name, value]) => `${quote(name)}) printf '%s\\n' ${quote(value)};;`)
  return `__octopus_lookup() {\ncase "$1" in\n${arms.join('\n')}\n*) echo;;\nesac\n}\n`
}

function variablesArray(values: ScriptValues): string {
  // An array cannot have an empty key.
  const items = Array.from(values).filter(([name]) => name !== '' && !notInArray.test(name))
  return `declare -A octopus_parameters=(\n${items.map(([name, value]) => `[${quote(name)}]=${quote(value)}`).join('\n')}\n)\n`
}

/** One word of bash, whatever is in it; NUL characters, which bash does not know, are left out. */
export function quote(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", "'\\''")}'`
}
