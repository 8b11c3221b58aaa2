# shellcheck shell=bash
# Runs named steps, one after the other, with their times and a summary. Sourced, never run.
# shellcheck disable=SC2154 # step_texts belongs to the script that sources this file
# A step NAME is a function step_NAME; its text for --list is in step_texts[NAME].

# What lines of a step's output tell of a failure, wherever in it they stand.
telling_lines='error:|✘|SUMMARY|WARNING|FAILED|Fatal|fatal'

# Runs the steps given by name; the summary's last line is "N passed, N failed". Fails if one did.
# What a failed step said last stands before the summary again: logs are read from their ends.
# A failing set-up ends the run, since nothing after it can work.
run_steps() {
  local name status start log passed=0 failed=0 summary=() last_words=()
  log=$(mktemp)
  for name in "$@"; do
    printf '\n== %s: %s\n' "$name" "${step_texts[$name]}"
    start=$SECONDS
    # Not in an `if`, which would switch `set -e` off inside the step.
    set +e
    (
      set -e
      "step_$name"
    ) 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    set -e
    if [[ $status == 0 ]]; then
      passed=$((passed + 1))
      summary+=("$(printf '%-12s passed %5d s' "$name" $((SECONDS - start)))")
    else
      failed=$((failed + 1))
      summary+=("$(printf '%-12s FAILED %5d s' "$name" $((SECONDS - start)))")
      last_words+=("-- $name --" "$(grep -aE "$telling_lines" "$log" | tail -n 20)" "$(tail -n 20 "$log")")
    fi
    printf '== %s\n' "${summary[-1]}"
    [[ $name != setup || $status == 0 ]] || break
  done
  rm -f "$log"
  if [[ $failed != 0 ]]; then
    printf '\n== what the failed steps said\n'
    printf '%s\n' "${last_words[@]}"
  fi
  printf '\n'
  printf '%s\n' "${summary[@]}"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [[ $failed == 0 ]]
}

# Prints the names of the given steps with their texts.
list_steps() {
  local name
  for name in "$@"; do printf '%-12s %s\n' "$name" "${step_texts[$name]}"; done
}
