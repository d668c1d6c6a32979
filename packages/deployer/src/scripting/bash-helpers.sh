# What every bash script of a step can call. Arguments are always quoted, nothing is exported, and apart from these
# functions nothing is left behind in the script's shell. Works with bash 3.2 and later.

__octopus_encode() {
  if command -v base64 >/dev/null 2>&1; then
    printf '%s' "${1:-}" | base64 | tr -d '\n'
  else
    printf '%s' "${1:-}" | openssl base64 -A
  fi
}

# __octopus_message NAME [ATTRIBUTE VALUE]...
__octopus_message() {
  local __octopus_text="##octopus[${1:-}"
  shift
  while [ "$#" -gt 1 ]; do
    __octopus_text="$__octopus_text $1='$(__octopus_encode "${2:-}")'"
    shift 2
  done
  printf '%s]\n' "$__octopus_text"
}

__octopus_at_level() {
  local IFS=' '
  printf '##octopus[stdout-%s]\n' "${1:-}"
  shift
  printf '%s\n' "$*"
  printf '##octopus[stdout-default]\n'
}

encode_servicemessagevalue() {
  __octopus_encode "${1:-}"
}

decode_servicemessagevalue() {
  if command -v base64 >/dev/null 2>&1; then
    printf '%s' "${1:-}" | base64 -d 2>/dev/null || printf '%s' "${1:-}" | base64 -D
  else
    printf '%s' "${1:-}" | openssl base64 -A -d
  fi
}

get_octopusvariable() {
  __octopus_lookup "${1:-}"
}

set_octopusvariable() {
  if [ "${3:-}" = "-sensitive" ] && [ -n "${2:-}" ]; then
    __octopus_message setVariable name "${1:-}" value "${2:-}" sensitive True
  elif [ "${3:-}" = "-sensitive" ]; then
    __octopus_message setVariable name "${1:-}" sensitive True
  elif [ -n "${2:-}" ]; then
    __octopus_message setVariable name "${1:-}" value "${2:-}"
  else
    __octopus_message setVariable name "${1:-}"
  fi
}

new_octopusartifact() {
  local __octopus_path="${1:-}" __octopus_name="${2:-}" __octopus_length=0
  case "$__octopus_path" in
    /*) ;;
    *) __octopus_path="$PWD/$__octopus_path" ;;
  esac
  if [ -z "$__octopus_name" ]; then
    __octopus_name="${__octopus_path##*/}"
  fi
  if [ -f "$__octopus_path" ]; then
    __octopus_length="$(wc -c <"$__octopus_path" | tr -d ' ')"
  else
    write_verbose "There is no file $__octopus_path yet; the artifact will be empty unless it is made."
  fi
  write_verbose "The file $__octopus_path will be kept as the artifact $__octopus_name."
  __octopus_message createArtifact path "$__octopus_path" name "$__octopus_name" length "$__octopus_length"
}

fail_step() {
  if [ -n "${1:-}" ]; then
    __octopus_message resultMessage message "${1:-}"
  fi
  exit 1
}

update_progress() {
  __octopus_message progress percentage "${1:-}" message "${2:-}"
}

write_verbose() {
  __octopus_at_level verbose "$@"
}

write_highlight() {
  __octopus_at_level highlight "$@"
}

write_wait() {
  __octopus_at_level wait "$@"
}

write_warning() {
  __octopus_at_level warning "$@"
}

set_environmentstate() {
  if [ "${3:-}" = "-sensitive" ]; then
    __octopus_message set-environmentstate key "${1:-}" value "${2:-}" sensitive True type "${4:-State}"
  else
    __octopus_message set-environmentstate key "${1:-}" value "${2:-}" type "${3:-State}"
  fi
}

set_environmenturl() {
  __octopus_message set-environmentstate key "${1:-}" value "${2:-}" type Url
}

new_octopustarget() {
  local __octopus_name='' __octopus_target='' __octopus_inputs='' __octopus_roles='' __octopus_pool='' __octopus_update=''
  while [ "$#" -gt 0 ]; do
    case "${1:-}" in
      -n | --name) __octopus_name="${2:-}"; shift ;;
      -t | --target-id) __octopus_target="${2:-}"; shift ;;
      --inputs) __octopus_inputs="${2:-}"; shift ;;
      --roles) __octopus_roles="${2:-}"; shift ;;
      --worker-pool) __octopus_pool="${2:-}"; shift ;;
      --update-if-existing) __octopus_update='true' ;;
      *) printf '%s\n' "new_octopustarget: the option ${1:-} is not known." >&2 ;;
    esac
    [ "$#" -gt 0 ] && shift
  done
  __octopus_message createStepPackageTarget name "$__octopus_name" targetId "$__octopus_target" \
    inputs "$__octopus_inputs" octopusRoles "$__octopus_roles" \
    octopusDefaultWorkerPoolIdOrName "$__octopus_pool" updateIfExisting "$__octopus_update"
}

remove-octopustarget() {
  __octopus_message delete-target machine "${1:-}"
}

report_kubernetes_manifest() {
  local __octopus_line __octopus_document=''
  while IFS= read -r __octopus_line || [ -n "$__octopus_line" ]; do
    if [ "$__octopus_line" = '---' ]; then
      __octopus_report_document "$__octopus_document" "${2:-}"
      __octopus_document=''
    else
      __octopus_document="$__octopus_document$__octopus_line"$'\n'
    fi
  done < <(printf '%s' "${1:-}")
  __octopus_report_document "$__octopus_document" "${2:-}"
}

report_kubernetes_manifest_file() {
  if [ ! -f "${1:-}" ]; then
    printf '%s\n' "The manifest file ${1:-} does not exist." >&2
    return 1
  fi
  report_kubernetes_manifest "$(cat "${1:-}")" "${2:-}"
}

__octopus_report_document() {
  case "${1:-}" in
    *[![:space:]]*) __octopus_message k8s-manifest-applied manifest "${1:-}" ns "${2:-}" ;;
  esac
}
