# shellcheck shell=bash
# Has kvctl's commands fail: in an address space that ends somewhere, and by failing calls of the C library.
# Whatever comes of it is an answer, or a status with one line on the standard error; what was acknowledged
# is there afterwards. Sourced, never run; needs setup.sh and $fenceline_root as the current directory.

# check_kvctl_limits KVCTL STEP: address spaces in steps of so many KiB, from what the program itself takes.
check_kvctl_limits() (
  kvctl=$1 step=$2 runs=0 refused=0
  export SWIFT_BACKTRACE=enable=no
  work=$(mktemp -d /dev/shm/fenceline-limits.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  ulimit -c 0
  seq -f 'key%06g' 1 40000 | awk '{ printf "%s\t%0200d\n", $1, NR }' >"$work/lines.tsv"
  head -c 8000000 /dev/zero | tr '\0' v >"$work/large"
  "$kvctl" import "$work/store" "$work/lines.tsv"
  "$kvctl" put "$work/store" large <"$work/large"
  floor=20000
  until (ulimit -v "$floor" && "$kvctl" --version || exit) >/dev/null 2>&1; do floor=$((floor + 1000)); done
  # The stack, the command line's parser and the output's buffer, which are Swift's.
  floor=$((floor + 4000))
  for ((limit = floor; limit < floor + 160000; limit += step)); do
    limited "$limit" get "$work/store" key000100
    limited "$limit" get "$work/store" large
    limited "$limit" list "$work/store"
    limited "$limit" stat "$work/store"
    limited "$limit" verify "$work/store"
    limited "$limit" export "$work/store" "$work/lines.out"
    limited "$limit" index "$work/store" "$work/index.sqlite"
    if try_limited "$limit" put "$work/store" "limit$limit" done; then
      [[ $("$kvctl" get "$work/store" "limit$limit") == done ]] || finding "put $limit is not there"
    fi
    if try_limited "$limit" put "$work/store" large -; then
      "$kvctl" get "$work/store" large | cmp -s - "$work/large" || finding "large $limit is not there"
    fi
    limited "$limit" compact "$work/store"
    rm -rf "$work/backup" "$work/restored" "$work/imported"
    if try_limited "$limit" backup "$work/store" "$work/backup"; then
      "$kvctl" verify "$work/backup" >/dev/null || finding "the backup in $limit KiB"
      if try_limited "$limit" restore "$work/backup" "$work/restored"; then
        "$kvctl" verify "$work/restored" >/dev/null || finding "what was restored in $limit KiB"
      fi
    fi
    if try_limited "$limit" import "$work/imported" "$work/lines.tsv"; then
      "$kvctl" export "$work/imported" - | cmp -s - "$work/lines.tsv" || finding "import $limit"
    fi
    "$kvctl" verify "$work/store" >/dev/null || finding "the store behind $limit KiB"
  done
  say "kvctl in $runs address spaces from $floor KiB on: $refused refused with an error, the rest done"
)

# Runs a command in an address space of so many KiB, for a minute at most; fails where the command did so
# with an error.
try_limited() {
  local limit=$1 status=0
  shift
  runs=$((runs + 1))
  (ulimit -v "$limit" && exec timeout 60 "$kvctl" "$@") <"$work/large" >"$work/output" 2>"$work/errors" || status=$?
  check_kvctl_answer "$status" "$limit KiB: $*"
}

# The same for whoever does not ask what came of it.
limited() { try_limited "$@" || :; }

# Errors by the layer's numbers of functions (fault_layer.h): what each of them is made to give; 0 is half of
# the bytes, 4 an interruption, both of which a program has to go on behind.
kvctl_fault_errors=("5 24 12" "5 28" "5 4 0" "5 28 4 0" "5" "28 5" "5" "5" "5" "5 28" "5" "5" "5" "5 12" "5"
  "12" "12" "12" "5" "5 4" "11" "5" "5")

# check_kvctl_calls KVCTL MOST: of each command, each function with each error, at up to MOST of its calls.
check_kvctl_calls() (
  kvctl=$1 most=$2 runs=0 refused=0
  export SWIFT_BACKTRACE=enable=no
  work=$(mktemp -d /dev/shm/fenceline-calls.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  ulimit -c 0
  clang -shared -fPIC -O1 -ITools/Sources/fault-layer/include -ITools/Sources/fault-layer \
    -o "$work/layer.so" Tools/Sources/fault-preload/*.c Tools/Sources/fault-layer/*.c -ldl
  mkdir "$work/d"
  seq -f 'key%04g' 1 3000 | awk '{ printf "%s\t%0100d\n", $1, NR }' >"$work/lines.tsv"
  "$kvctl" import "$work/d/store" "$work/lines.tsv"
  "$kvctl" import "$work/d/store" "$work/lines.tsv"
  cp -r "$work/d" "$work/original"
  # By their whole paths, which the layer tells from others.
  store=$work/d/store
  for command in "put $store key0001 new" "put $work/d/new key0001 new" "get $store key0001" \
    "list $store" "export $store $work/d/lines.out" "index $store $work/d/index.sqlite" \
    "import $store $work/d/lines.in" "compact $store" "verify $store" "stat $store" \
    "delete $store key0001"; do
    # shellcheck disable=SC2086
    fail_calls $command
  done
  say "kvctl with $runs failing calls: $refused refused with an error, the rest done"
)

# Runs a command once for each call that is to fail.
fail_calls() {
  local function count error lasts number
  with_layer "" "$@" || finding "$*: fails without a fault: $(head -n 1 "$work/errors")"
  cp "$work/output" "$work/wanted"
  while read -r -u 3 function count; do
    for error in ${kvctl_fault_errors[function]}; do
      for lasts in 0 1; do
        [[ $lasts == 0 || ($error != 0 && $error != 4) ]] || continue
        for ((number = 1; number <= count; number += 1 + count / most)); do
          fail_call "$function $number $error $lasts" "$@"
        done
      done
    done
  done 3<"$work/counts"
}

with_layer() {
  local plan=$1
  shift
  rm -rf "$work/d"
  cp -r "$work/original" "$work/d"
  cp "$work/lines.tsv" "$work/d/lines.in"
  (
    export FENCELINE_FAULT_DIRECTORY=$work/d FENCELINE_FAULT_PLAN=$plan
    [[ -n $plan ]] || export FENCELINE_FAULT_COUNTS=$work/counts
    LD_PRELOAD=$work/layer.so exec "$kvctl" "$@" </dev/null >"$work/output" 2>"$work/errors"
  )
}

fail_call() {
  local plan=$1 status=0 value
  shift
  runs=$((runs + 1))
  with_layer "$plan" "$@" || status=$?
  if check_kvctl_answer "$status" "$* ($plan)"; then
    # Bytes that files take are told as far as the system tells them.
    cmp -s "$work/output" "$work/wanted" || [[ $1 == stat || $1 == compact ]] ||
      finding "$* ($plan): another output"
  else
    [[ $plan != *" 0 "? && $plan != *" 4 "? ]] || finding "$* ($plan): refused: $(head -n 1 "$work/errors")"
  fi
  # Behind it, with nothing that fails.
  "$kvctl" verify "$work/d/store" >"$work/verified" 2>&1 || finding "$* ($plan): $(head -n 1 "$work/verified")"
  value=$("$kvctl" get "$work/d/store" key0001 || echo none)
  case $1 in
    put) [[ $2 != "$store" || $status != 0 || $value == new ]] || finding "$* ($plan): not there" ;;
    delete) [[ $status != 0 || $value == none ]] || finding "$* ($plan): still there" ;;
    *) [[ $value == 0*1 ]] || finding "$* ($plan): another value" ;;
  esac
}

# What a status may be: done, or an error of the store's or the system's with one line.
check_kvctl_answer() {
  [[ $1 != 0 ]] || return 0
  refused=$((refused + 1))
  if [[ $1 -lt 64 || $1 -gt 77 || $1 == 70 || $(wc -l <"$work/errors") != 1 ]]; then
    finding "$2: status $1: $(head -n 1 "$work/errors")"
  fi
  return 1
}

finding() {
  say "kvctl: $*"
  exit 1
}
