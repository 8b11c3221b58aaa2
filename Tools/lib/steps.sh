# shellcheck shell=bash
# Runs named steps, two at a time, with their times and a summary. Sourced, never run.
# shellcheck disable=SC2154 # step_texts belongs to the script that sources this file
# A step NAME is a function step_NAME; its text for --list is in step_texts[NAME].

# What lines of a step's output tell of a failure, wherever in it they stand.
telling_lines='error:|✘|SUMMARY|WARNING|FAILED|Fatal|fatal'

# Steps that run at a time: many are one process, or a compiler that waits for itself, and leave a
# processor idle. A single one, and each with FENCELINE_LANES=1, shows its output as it comes.
step_lanes=${FENCELINE_LANES:-2}

# A step beside others that has not ended by then is ended, in seconds: the longest takes a third of it.
step_limit=${FENCELINE_STEP_LIMIT:-1800}

# Of those that run, by process: the names; of all, by name: when they began. What they say is kept in
# a directory.
declare -A running_steps=() step_starts=()
step_logs=

# A process that ends every few seconds, so that somebody looks at the time.
step_clock=

# Runs the steps given by name; the summary's last line is "N passed, N failed". Fails if one did.
# What a failed step said last stands before the summary again: logs are read from their ends.
# The set-up runs alone, and ends the run where it fails, since nothing after it can work. No other step
# relies on what an earlier one built: it builds that itself, or waits for the one that does.
run_steps() {
  local name passed=0 failed=0 summary=() last_words=()
  step_logs=$(mktemp -d)
  trap end_steps EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  for name in "$@"; do
    if [[ $name == setup || $# == 1 || $step_lanes -le 1 ]]; then
      run_step "$name"
      [[ $name != setup || $failed == 0 ]] || break
    else
      while [[ ${#running_steps[@]} -ge $step_lanes ]]; do finish_step; done
      start_step "$name"
    fi
  done
  while [[ ${#running_steps[@]} -gt 0 ]]; do finish_step; done
  if [[ $failed != 0 ]]; then
    printf '\n== what the failed steps said\n'
    printf '%s\n' "${last_words[@]}"
  fi
  printf '\n'
  printf '%s\n' "${summary[@]}"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [[ $failed == 0 ]]
}

# Runs one step and shows its output as it comes.
run_step() {
  local status
  step_starts[$1]=$SECONDS
  printf '\n== %s: %s\n' "$1" "${step_texts[$1]}"
  # Not in an `if`, which would switch `set -e` off inside the step.
  set +e
  (
    set -e
    "step_$1"
  ) 2>&1 | tee "$step_logs/$1"
  status=${PIPESTATUS[0]}
  set -e
  count_step "$1" "$status"
}

# Starts one step beside others, in a process group of its own, so that all of it can be ended.
start_step() {
  step_starts[$1]=$SECONDS
  printf '\n== %s begins\n' "$1"
  set -m
  (
    set +m
    trap - EXIT INT TERM HUP
    "step_$1"
  ) >"$step_logs/$1" 2>&1 </dev/null &
  set +m
  running_steps[$!]=$1
}

# Waits for one of the steps that run, and shows what it said.
finish_step() {
  local process name status=0
  while true; do
    # It is never ended early: what is killed before it is another program has this one's traps.
    if [[ -z $step_clock ]]; then
      sleep 5 >/dev/null 2>&1 &
      step_clock=$!
    fi
    status=0
    wait -n -p process "$step_clock" "${!running_steps[@]}" || status=$?
    [[ $process == "$step_clock" ]] || break
    step_clock=
    end_late_steps
  done
  name=${running_steps[$process]}
  unset "running_steps[$process]"
  printf '\n== %s: %s\n' "$name" "${step_texts[$name]}"
  cat "$step_logs/$name"
  count_step "$name" "$status"
}

# Ends the steps that have reached their limit; which of their tests had not ended goes into their logs.
end_late_steps() {
  local process name
  for process in "${!running_steps[@]}"; do
    name=${running_steps[$process]}
    [[ $((step_starts[$name] + step_limit)) -le $SECONDS ]] || continue
    {
      unfinished_tests "$step_logs/$name"
      printf 'FAILED: not done within %d s\n' "$step_limit"
    } >>"$step_logs/$name"
    kill -- "-$process" 2>/dev/null || true
  done
}

# Names the tests of a log that have begun and not ended.
unfinished_tests() {
  sed -nE -e '/ Test case passing /d' -e 's/^[^ ]+ (Suite|Test) (.*) started\.$/+\2/p' \
    -e 's/^[^ ]+ (Suite|Test) (.*) (passed|failed) after .*/-\2/p' "$1" |
    awk '{ name = substr($0, 2); sub(/ with [0-9]+ test cases$/, "", name) }
      /^\+/ { begun[name] = 1 } /^-/ { delete begun[name] }
      END { for (name in begun) print "FAILED: not ended: " name }'
}

# count_step NAME STATUS: takes an end into the caller's counts, and says it.
count_step() {
  local end=passed log=$step_logs/$1
  if [[ $2 == 0 ]]; then
    passed=$((passed + 1))
  else
    end=FAILED
    failed=$((failed + 1))
    last_words+=("-- $1 --" "$(grep -aE "$telling_lines" "$log" | tail -n 20)" "$(tail -n 20 "$log")")
  fi
  summary+=("$(printf '%-12s %s %5d s' "$1" "$end" $((SECONDS - step_starts[$1])))")
  printf '== %s\n' "${summary[-1]}"
}

# Ends the steps that run, with all that they started; their own traps remove what they made.
end_steps() {
  local process
  for process in "${!running_steps[@]}"; do
    kill -- "-$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$step_logs"
}

# Prints the names of the given steps with their texts.
list_steps() {
  local name
  for name in "$@"; do printf '%-12s %s\n' "$name" "${step_texts[$name]}"; done
}
