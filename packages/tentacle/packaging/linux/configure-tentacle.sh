#!/usr/bin/env bash
# Sets up a Tentacle by asking: makes an instance, its certificate and its settings, registers it if it polls, and
# installs its service. Every command is shown before anything is done; nothing is changed until the last question is
# answered. What cannot be asked here can be set afterwards with the same program.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
program=${TENTACLE:-$here/Tentacle}

usage() {
  cat <<'USAGE'
Usage: configure-tentacle.sh [--dry-run]

Asks how this machine is to be set up as a Tentacle, shows the commands that do it, and runs them.

  --dry-run  Only shows the commands
  --help     Shows this help

For set-up without questions call Tentacle yourself: create-instance, new-certificate, configure, register-with, service.
USAGE
}

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

is_dry=false
case ${1-} in
  '') ;;
  --dry-run) is_dry=true ;;
  --help | -h) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
[ -x "$program" ] || fail "There is no $program. Install the package again."

# Reads a line into `answer`. The end of the input is an end in order: nothing was changed.
read_answer() {
  if ! IFS= read -r "$@" answer; then
    printf '\n'
    fail 'There are no more answers, so nothing was set up.'
  fi
}

# ask QUESTION [DEFAULT]: an answer that may be empty only if there is a default.
ask() {
  local question=$1 default=${2-}
  while true; do
    printf '%s%s: ' "$question" "${default:+ [$default]}"
    read_answer
    answer=${answer:-$default}
    [ -n "$answer" ] && return
    printf 'This is needed.\n'
  done
}

# ask_secret QUESTION: as ask, without showing what is typed.
ask_secret() {
  local answer_shown=-s
  [ -t 0 ] || answer_shown=
  while true; do
    printf '%s: ' "$1"
    read_answer ${answer_shown:+"$answer_shown"}
    [ -n "$answer_shown" ] && printf '\n'
    [ -n "$answer" ] && return
    printf 'This is needed.\n'
  done
}

# ask_matching REGEX WHAT QUESTION [DEFAULT]: asks again until the answer fits.
ask_matching() {
  local pattern=$1 what=$2
  shift 2
  while true; do
    ask "$@"
    [[ $answer =~ $pattern ]] && return
    printf '%s is not %s.\n' "$answer" "$what"
  done
}

# ask_port QUESTION DEFAULT
ask_port() {
  while true; do
    ask "$@"
    [[ $answer =~ ^[0-9]{1,5}$ ]] && ((10#$answer >= 1 && 10#$answer <= 65535)) && return
    printf '%s is not a port: a number from 1 to 65535.\n' "$answer"
  done
}

# ask_choice QUESTION FIRST SECOND: 1 or 2 into `answer`; the first is the default.
ask_choice() {
  printf '%s\n  1) %s\n  2) %s\n' "$@"
  ask_matching '^[12]$' 'one of 1 and 2' 'Your choice' 1
}

# ask_yes QUESTION: succeeds for yes; no is the default.
ask_yes() {
  ask_matching '^([yY]([eE][sS])?|[nN][oO]?)$' 'yes or no' "$1 (y/N)" N
  [[ $answer == [yY]* ]]
}

# ask_list QUESTION OPTION: names separated by commas, added to `registration` as options.
ask_list() {
  local name names found=false
  while ! $found; do
    ask "$1, separated by commas"
    IFS=, read -ra names <<<"$answer"
    for name in "${names[@]}"; do
      name=${name#"${name%%[![:space:]]*}"}
      name=${name%"${name##*[![:space:]]}"}
      [ -n "$name" ] || continue
      registration+=("--$2" "$name")
      found=true
    done
    $found || printf 'At least one is needed.\n'
  done
}

commands=() # the words of all commands, each ended by a word that cannot be typed
end=$'\x1f'
plan() { commands+=("$@" "$end"); }

# ask_proxy COMMAND: plans the proxy that is asked for.
ask_proxy() {
  ask_yes 'Does this machine reach the server through a proxy?' || return 0
  ask 'Host of the proxy'
  local proxy=("$1" --instance "$instance" --proxyEnable True --proxyHost "$answer")
  ask_port 'Port of the proxy' 80
  proxy+=(--proxyPort "$answer")
  if ask_yes 'Does the proxy ask for a user name and a password?'; then
    ask 'User name for the proxy'
    proxy+=(--proxyUsername "$answer")
    ask_secret 'Password for the proxy'
    proxy+=(--proxyPassword "$answer")
  fi
  plan "${proxy[@]}"
}

ask_instance() {
  ask 'Name of the instance' Tentacle
  instance=${answer//[^[:alnum:] ._-]/}
  [ -n "${instance//[ .]/}" ] || fail 'No character of that can be in the name of an instance.'
  [ "$instance" = "$answer" ] || printf 'Some characters cannot be in it; the instance is called %s.\n' "$instance"
}

ask_folders() {
  ask_matching '^/' 'an absolute path' 'Folder for settings and logs' /etc/octopus
  local root=${answer%/}
  ask_matching '^/' 'an absolute path' 'Folder for applications' /home/Octopus/Applications
  applications=$answer
  plan create-instance --instance "$instance" --config "$root/$instance/tentacle-$instance.config"
  plan new-certificate --instance "$instance" --if-blank
}

ask_listening() {
  ask_folders
  ask_port 'Port to listen on' 10933
  plan configure --instance "$instance" --app "$applications" --port "$answer" --noListen False --reset-trust
  ask_proxy proxy
  ask_matching '^[0-9A-Fa-f]{40}$' 'a thumbprint: 40 hexadecimal digits' 'Thumbprint of the server'
  plan configure --instance "$instance" --trust "${answer^^}"
}

ask_polling() {
  ask_folders
  plan configure --instance "$instance" --app "$applications" --noListen True --reset-trust
  ask_matching '^https?://[^/]' 'an address that begins with http:// or https://' 'Address of the server, e.g. https://octopus.example.org'
  registration=(--instance "$instance" --server "$answer" --comms-style TentacleActive)
  ask_choice 'How do you sign in to the server?' 'with an API key' 'with a user name and a password'
  if [ "$answer" = 1 ]; then
    ask_secret 'API key'
    registration+=(--apiKey "$answer")
  else
    ask 'User name'
    registration+=(--username "$answer")
    ask_secret 'Password'
    registration+=(--password "$answer")
  fi
  ask_choice 'What is this machine to be?' 'a deployment target' 'a worker'
  local kind=$answer
  ask 'Space' Default
  registration+=(--space "$answer")
  ask 'Name of this machine on the server' "$(hostname 2>/dev/null || uname -n)"
  registration+=(--name "$answer")
  ask_choice 'Where does the server wait for polling Tentacles?' 'at the same host' 'at another address'
  if [ "$answer" = 1 ]; then
    ask_port 'Port for polling Tentacles' 10943
    registration+=(--server-comms-port "$answer")
  else
    ask_matching '^https?://[^/]' 'an address that begins with https://' 'Address with its port, e.g. https://polling.example.org:443'
    registration+=(--server-comms-address "$answer")
  fi
  local verb
  if [ "$kind" = 1 ]; then
    verb=register-with
    ask_list 'Environments' environment
    ask_list 'Roles (target tags)' role
  else
    verb=register-worker
    ask_list 'Worker pools' workerpool
  fi
  ask_proxy polling-proxy
  plan "$verb" "${registration[@]}"
}

# show WORD…: the command as it could be typed, without its secrets.
show() {
  local word is_secret=false
  printf '  %q' "$program"
  for word; do
    if $is_secret; then printf ' ********'; else printf ' %q' "$word"; fi
    is_secret=false
    case $word in --apiKey | --password | --proxyPassword) is_secret=true ;; esac
  done
  printf '\n'
}

# each FUNCTION: calls it with the words of each command.
each() {
  local word command=()
  for word in "${commands[@]}"; do
    if [ "$word" != "$end" ]; then
      command+=("$word")
      continue
    fi
    "$1" "${command[@]}"
    command=()
  done
}

as_root=()
run() {
  printf '\n'
  show "$@"
  local code=0
  "${as_root[@]}" "$program" "$@" </dev/null || code=$?
  ((code == 0)) && return
  fail "$1 failed with exit code $code, and what follows it was not done. Mend what it says above and start again: what is there already is kept."
}

printf 'This sets up a Tentacle on this machine. Nothing is changed before you have seen the commands.\n\n'
ask_instance
ask_choice 'How does it talk to the server?' 'listening: the server connects to this machine' 'polling: this machine connects to the server'
style=$answer
if [ "$style" = 1 ]; then ask_listening; else ask_polling; fi
plan service --instance "$instance" --install --start

printf '\nThese commands set it up:\n\n'
each show
if $is_dry; then exit 0; fi
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail 'This needs root, and there is no sudo here. Start it again as root.'
  as_root=(sudo)
fi
printf '\nPress Enter to run them, Ctrl+C to leave. '
read_answer
each run

printf '\nThe Tentacle is set up and runs. Its thumbprint is %s\n' "$("${as_root[@]}" "$program" show-thumbprint --instance "$instance" </dev/null)"
if [ "$style" = 1 ]; then
  printf 'Add it on the server as a listening Tentacle: host %s, the port that you chose, and this thumbprint.\n' "$(hostname 2>/dev/null || uname -n)"
fi
