# shellcheck shell=bash
# Pages of a store's files that can't be read, under programs that open it and under handles that are open:
# media_errors.sh behind library.sh, with $poison (the program) and $extent (short or long) set.

store=/mnt/dax/errors
checks=0

# expect STATUS PATTERN COMMAND...: the command ends so, and says something that matches.
expect() {
  local wanted=$1 pattern=$2 status=0 output
  shift 2
  output=$("$@" 2>&1 >/mnt/output) || status=$?
  output+=$(</mnt/output)
  if [[ $status != "$wanted" || ! $output =~ $pattern ]]; then
    echo "WRONG: $*: status $status, not $wanted with '$pattern': $output"
    exit 1
  fi
  checks=$((checks + 1))
}

# Opens a handle that stays open: hold read|write STORE; then ask CALL PATTERN.
hold() {
  coproc HANDLE { exec dax-vm-guest hold "$1" "$2" 2>&1; }
}
ask() {
  local answer
  echo "$1" >&"${HANDLE[1]}"
  if ! read -r -t 60 answer <&"${HANDLE[0]}" || [[ ! $answer =~ $2 ]]; then
    echo "WRONG: $1: '${answer-the process is gone}', not '$2'"
    exit 1
  fi
  checks=$((checks + 1))
}
release() {
  local process=$HANDLE_PID
  exec {HANDLE[1]}>&-
  wait "$process" || { echo "WRONG: the process ended with status $?"; exit 1; }
  checks=$((checks + 1))
}

# A store of one segment with a thousand keys; those of the middle of it are made unreadable below.
make_store() {
  local number value
  value=$(printf '%0200d' 0)
  rm -rf "$store"
  for number in {1000..1999}; do printf 'key%s\t%s\n' "$number" "$value"; done >/mnt/input
  kvctl import "$store" /mnt/input
}

# File and offset of a page that holds nothing but values of keys around number 1500.
victim() { echo "$store/00000001.segment 131072"; }

under_commands() {
  make_store
  local file=$store/00000001.segment
  # The key whose record lies there; every record takes the same space.
  python3 "$poison" "$file" 131072
  local key
  key=$(kvctl list "$store" --keys-only 2>/dev/null | seq_gap)
  local error="$file: the device can't read offset 131072"
  expect 74 "$error" kvctl get "$store" "$key"
  expect 0 '^0+$' kvctl get "$store" key1001
  expect 0 '^0+$' kvctl get "$store" key1998
  expect 74 "$error" kvctl list "$store"
  [[ $extent == long ]] || return 0
  expect 65 "$error" kvctl verify "$store"
  expect 74 "$error" kvctl export "$store" /mnt/dax/exported
  expect 74 "$error" kvctl index "$store" /mnt/dax/index.sqlite
  expect 0 'damaged places: +[1-9]' kvctl stat "$store"
  expect 74 "$error" kvctl put "$store" more data
  expect 1 '^$' kvctl get "$store" never-written
}

# The first number that is missing among keys in order.
seq_gap() { awk -v next_one=1000 '{ n = substr($1, 4); if (n != next_one) { print "key" next_one; exit }; next_one++ }'; }
