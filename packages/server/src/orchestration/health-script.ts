import type { ScriptCommand } from '../scripts/script-calls.ts'
import { factMessage } from '../scripts/script-output.ts'

/** What the script of a health check tells of its machine, by name. */
export const machineFacts = {
  tentacleVersion: 'TentacleVersion',
  operatingSystem: 'OperatingSystem',
  operatingSystemVersion: 'OperatingSystemVersion',
  shellName: 'ShellName',
  shellVersion: 'ShellVersion',
  architecture: 'Architecture',
  failed: 'HealthCheckFailed',
} as const

const bashHead = `
encode_servicemessagevalue() { printf '%s' "$1" | base64 | tr -d '\\n'; }
octopus_tell() {
  printf "##octopus[${factMessage} name='%s' value='%s']\\n" \\
    "$(encode_servicemessagevalue "$1")" "$(encode_servicemessagevalue "$2")"
}
octopus_os_release() { [ -r /etc/os-release ] && (. /etc/os-release; eval "printf '%s' \\"\\\${$1:-}\\""); }
echo_warning() { printf '##octopus[stdout-warning]\\n%s\\n##octopus[stdout-default]\\n' "$*"; }
echo_error() { printf '##octopus[stdout-error]\\n%s\\n##octopus[stdout-default]\\n' "$*"; }
fail_healthcheck() { echo_error "\${1:-The health check failed.}"; octopus_tell ${machineFacts.failed} "\${1:-}"; exit 1; }
octopus_name="$(octopus_os_release PRETTY_NAME)"
[ -n "$octopus_name" ] || octopus_name="$(uname -sr)"
octopus_tell ${machineFacts.tentacleVersion} "\${TentacleVersion:-}"
octopus_tell ${machineFacts.operatingSystem} "$octopus_name"
octopus_tell ${machineFacts.operatingSystemVersion} "$(octopus_os_release VERSION_ID)"
octopus_tell ${machineFacts.shellName} Bash
octopus_tell ${machineFacts.shellVersion} "\${BASH_VERSION%%[^0-9.]*}"
octopus_tell ${machineFacts.architecture} "$(uname -m)"
echo "The Tentacle's version is \${TentacleVersion:-unknown}."
echo "The machine runs $octopus_name on $(uname -m), with Bash $BASH_VERSION."
`

const powerShellHead = `
function Tell-Octopus([string]$Name, [string]$Value) {
  $n = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($Name))
  $v = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($Value))
  Write-Host "##octopus[${factMessage} name='$n' value='$v']"
}
function Write-Warning([string]$Message) {
  Write-Host '##octopus[stdout-warning]'; Write-Host $Message; Write-Host '##octopus[stdout-default]'
}
function Fail-HealthCheck([string]$Message) {
  Write-Host '##octopus[stdout-error]'; Write-Host $Message; Write-Host '##octopus[stdout-default]'
  Tell-Octopus '${machineFacts.failed}' $Message
  exit 1
}
$octopusShell = if ($PSVersionTable.PSEdition -eq 'Core') { 'PowerShellCore' } else { 'PowerShell' }
Tell-Octopus '${machineFacts.tentacleVersion}' $env:TentacleVersion
Tell-Octopus '${machineFacts.operatingSystem}' ([Environment]::OSVersion.VersionString)
Tell-Octopus '${machineFacts.operatingSystemVersion}' ([Environment]::OSVersion.Version.ToString())
Tell-Octopus '${machineFacts.shellName}' $octopusShell
Tell-Octopus '${machineFacts.shellVersion}' $PSVersionTable.PSVersion.ToString()
Tell-Octopus '${machineFacts.architecture}' $env:PROCESSOR_ARCHITECTURE
Write-Host "The Tentacle's version is $($env:TentacleVersion)."
Write-Host "The machine runs $([Environment]::OSVersion.VersionString), with $octopusShell $($PSVersionTable.PSVersion)."
`

/**
 * The script of a health check: it tells the version and the system, and then runs what the machine policy wants.
 * It waits for no other script, and none waits for it.
 */
export function healthScript(
  taskId: string,
  own: { readonly bash: string; readonly powerShell: string },
): ScriptCommand {
  return {
    bash: `${bashHead.trimStart()}\n${own.bash.replaceAll('\r\n', '\n')}\n`,
    powerShell: `${powerShellHead.trimStart()}\n${own.powerShell}\n`.replaceAll(/\r?\n/g, '\r\n'),
    files: [],
    isolation: 'NoIsolation',
    taskId,
  }
}
