import { evaluate } from '@tentacle/octostache'
import { type RuntimeVariable, toTemplateVariables } from '../variables/variable-list.ts'

/**
 * The functions that scripts expect: docs/wire/orchestration.md, plain scripts. Names and arguments are those that
 * users know. Nothing but bash and coreutils is needed.
 */
const functions = `
encode_servicemessagevalue() { printf '%s' "$1" | base64 | tr -d '\\n'; }
decode_servicemessagevalue() { printf '%s' "$1" | base64 -d; }
set_octopusvariable() {
  if [ "\${3:-}" = "-sensitive" ]; then
    printf "##octopus[setVariable name='%s' value='%s' sensitive='%s']\\n" \\
      "$(encode_servicemessagevalue "$1")" "$(encode_servicemessagevalue "$2")" "$(encode_servicemessagevalue True)"
  else
    printf "##octopus[setVariable name='%s' value='%s']\\n" \\
      "$(encode_servicemessagevalue "$1")" "$(encode_servicemessagevalue "$2")"
  fi
}
fail_step() {
  if [ -n "\${1:-}" ]; then
    printf "##octopus[resultMessage message='%s']\\n" "$(encode_servicemessagevalue "$1")"
  fi
  exit 1
}
update_progress() {
  printf "##octopus[progress percentage='%s' message='%s']\\n" \\
    "$(encode_servicemessagevalue "$1")" "$(encode_servicemessagevalue "\${2:-}")"
}
new_octopusartifact() {
  printf "##octopus[createArtifact path='%s' name='%s']\\n" \\
    "$(encode_servicemessagevalue "$1")" "$(encode_servicemessagevalue "\${2:-$(basename "$1")}")"
}
write_verbose() { printf '##octopus[stdout-verbose]\\n%s\\n##octopus[stdout-default]\\n' "$*"; }
write_highlight() { printf '##octopus[stdout-highlight]\\n%s\\n##octopus[stdout-default]\\n' "$*"; }
write_wait() { printf '##octopus[stdout-wait]\\n%s\\n##octopus[stdout-default]\\n' "$*"; }
write_warning() { printf '##octopus[stdout-warning]\\n%s\\n##octopus[stdout-default]\\n' "$*"; }
`

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

function evaluated({ name, value }: RuntimeVariable, all: ReturnType<typeof toTemplateVariables>): string {
  try {
    return `    '${base64(name)}') decode_servicemessagevalue '${base64(evaluate(value, all).text)}' ;;`
  } catch {
    // A variable that is defined by itself stays as it is written; the script may not even want it.
    return `    '${base64(name)}') decode_servicemessagevalue '${base64(value)}' ;;`
  }
}

/** The helper functions, with the values of all variables behind `get_octopusvariable`. */
export function bashHelpers(variables: readonly RuntimeVariable[]): string {
  const all = toTemplateVariables(variables)
  return [
    functions.trim(),
    'get_octopusvariable() {',
    '  case "$(encode_servicemessagevalue "$1")" in',
    ...variables.map(variable => evaluated(variable, all)),
    '  esac',
    '  echo',
    '}',
    '',
  ].join('\n')
}
