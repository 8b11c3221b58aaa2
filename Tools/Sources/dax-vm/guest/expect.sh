# shellcheck shell=bash
# How scripts of the guest check what programs say; put behind library.sh. Sourced, never run.
# The last line of a script that uses it is `report`.

checks=0

wrong() {
  echo "WRONG: $*"
  exit 1
}

# expect STATUS PATTERN COMMAND...: the command ends so, and says something that matches.
expect() {
  local wanted=$1 pattern=$2 status=0 output
  shift 2
  output=$({ "$@" 2>&1 || exit; } </dev/null | tr -d '\0') || status=$?
  [[ $status == "$wanted" && $output =~ $pattern ]] ||
    wrong "$*: status $status, not $wanted with '$pattern': ${output:0:1500}"
  checks=$((checks + 1))
}

# hold read|write STORE: opens a handle that stays open; then ask CALL PATTERN, and at last release.
hold() {
  coproc HANDLE { exec dax-vm-guest hold "$1" "$2" 2>&1; }
  # The variables go with the process; these stay.
  handle_in=${HANDLE[1]} handle_out=${HANDLE[0]} handle_process=$HANDLE_PID
}

ask() {
  local answer='' ended=
  echo "$1" >&"$handle_in" || ended=yes
  [[ $ended ]] || read -r -t 120 answer <&"$handle_out" || ended=yes
  [[ ! $ended ]] || wrong "$1: the process is gone: $answer"
  [[ $answer =~ $2 ]] || wrong "$1: '$answer', not '$2'"
  checks=$((checks + 1))
}

release() {
  local status=0
  exec {handle_in}>&-
  wait "$handle_process" || status=$?
  [[ $status == 0 ]] || wrong "the process that held the handle ended with status $status"
  checks=$((checks + 1))
}

report() { echo "checked: $checks"; }
