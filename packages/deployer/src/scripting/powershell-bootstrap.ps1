# Runs a PowerShell script of a step. Arguments: the script, and files with the variables, the parameters as they are
# written, and the paths of the library modules, one per line.
param([string] $OctopusScript, [string] $OctopusVariablesFile, [string] $OctopusParametersFile, [string] $OctopusModulesFile)

$ErrorActionPreference = 'Stop'
$PSNativeCommandArgumentPassing = 'Legacy'
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false

$OctopusParameters = New-Object 'System.Collections.Generic.Dictionary[String,String]' ([System.StringComparer]::OrdinalIgnoreCase)
$variableList = Get-Content -Raw -Encoding UTF8 -LiteralPath $OctopusVariablesFile | ConvertFrom-Json
Remove-Item -LiteralPath $OctopusVariablesFile -Force
foreach ($item in $variableList) { $OctopusParameters[$item.k] = $item.v }

foreach ($name in @($OctopusParameters.Keys)) {
  if ($name.Contains('[')) { continue }
  foreach ($plain in @(($name -replace '[^A-Za-z0-9]', ''), ($name -replace '[^A-Za-z0-9_]', ''))) {
    if ($plain -and -not (Test-Path -LiteralPath "variable:global:$plain")) {
      Set-Variable -Name $plain -Value $OctopusParameters[$name] -Scope Global
    }
  }
}

function global:Convert-ServiceMessageValue([string] $value) {
  [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($value))
}

function global:Convert-ToServiceMessageParameter([string] $name, [string] $value) {
  "$name='$(Convert-ServiceMessageValue $value)'"
}

function global:Write-OctopusMessage([string] $name, [System.Collections.IDictionary] $attributes) {
  $text = ''
  foreach ($key in $attributes.Keys) {
    if ($null -ne $attributes[$key]) { $text += ' ' + (Convert-ToServiceMessageParameter $key ([string] $attributes[$key])) }
  }
  [Console]::Out.WriteLine("##octopus[$name$text]")
}

function global:Write-OctopusLevel([string] $level, [string] $text) {
  [Console]::Out.WriteLine("##octopus[stdout-$level]")
  [Console]::Out.WriteLine($text)
  [Console]::Out.WriteLine('##octopus[stdout-default]')
}

function global:Set-OctopusVariable([string] $name, [string] $value, [switch] $sensitive) {
  $mark = if ($sensitive) { 'True' } else { $null }
  Write-OctopusMessage 'setVariable' ([ordered] @{ name = $name; value = $value; sensitive = $mark })
}

function global:New-OctopusArtifact {
  param(
    [Parameter(Mandatory, Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName)] [Alias('FullName')] [string] $Path,
    [Parameter(Position = 1)] [string] $Name
  )
  process {
    $full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
    $length = if (Test-Path -LiteralPath $full -PathType Leaf) { (Get-Item -LiteralPath $full).Length } else { 0 }
    $label = if ($Name) { $Name } else { [IO.Path]::GetFileName($full) }
    Write-OctopusLevel 'verbose' "The file $full will be kept as the artifact $label."
    Write-OctopusMessage 'createArtifact' ([ordered] @{ path = $full; name = $label; length = $length })
  }
}

function global:Fail-Step([string] $message) {
  if ($message) { Write-OctopusMessage 'resultMessage' @{ message = $message } }
  exit -1
}

function global:Update-Progress([int] $percentage, [string] $message) {
  Write-OctopusMessage 'progress' ([ordered] @{ percentage = $percentage; message = $message })
}

function global:Write-Verbose([Parameter(ValueFromPipeline)] [string] $Message) { process { Write-OctopusLevel 'verbose' $Message } }
function global:Write-Debug([Parameter(ValueFromPipeline)] [string] $Message) { process { Write-OctopusLevel 'verbose' $Message } }
function global:Write-Highlight([Parameter(ValueFromPipeline)] [string] $Message) { process { Write-OctopusLevel 'highlight' $Message } }
function global:Write-Wait([Parameter(ValueFromPipeline)] [string] $Message) { process { Write-OctopusLevel 'wait' $Message } }
function global:Write-Warning([Parameter(ValueFromPipeline)] [string] $Message) {
  process { if ($WarningPreference -ne 'SilentlyContinue') { Write-OctopusLevel 'warning' $Message } }
}

function global:Set-EnvironmentState([string] $key, [string] $value, [switch] $sensitive, [string] $type = 'State') {
  $mark = if ($sensitive) { 'True' } else { $null }
  Write-OctopusMessage 'set-environmentstate' ([ordered] @{ key = $key; value = $value; sensitive = $mark; type = $type })
}

function global:Set-EnvironmentUrl([string] $key, [string] $url) { Set-EnvironmentState -key $key -value $url -type 'Url' }

function global:Remove-OctopusTarget([string] $targetIdOrName) {
  Write-OctopusMessage 'delete-target' @{ machine = $targetIdOrName }
}

function global:Execute-WithRetry([scriptblock] $command, [int] $maxFailures = 3, [int] $sleepBetweenFailures = 1) {
  for ($attempt = 1; ; $attempt++) {
    try { & $command; return }
    catch {
      if ($attempt -ge $maxFailures) { throw }
      Start-Sleep -Seconds $sleepBetweenFailures
    }
  }
}

try {
  foreach ($module in @(Get-Content -Encoding UTF8 -LiteralPath $OctopusModulesFile)) {
    if ($module) { Import-Module -Name $module -DisableNameChecking -Global }
  }
  $parametersText = [string] (Get-Content -Raw -Encoding UTF8 -LiteralPath $OctopusParametersFile)
  Invoke-Expression ". '$($OctopusScript -replace "'", "''")' $parametersText"
}
catch {
  [Console]::Error.WriteLine("$($_.CategoryInfo.Category): $($_.Exception.Message)")
  [Console]::Error.WriteLine($_.InvocationInfo.PositionMessage)
  [Console]::Error.WriteLine($_.ScriptStackTrace)
  exit 1
}
if (Test-Path variable:global:LastExitCode) { exit $global:LastExitCode }
