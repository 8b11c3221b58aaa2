# shellcheck shell=bash
# Runs named steps, one after the other, with their times and a summary. Sourced, never run.
# shellcheck disable=SC2154 # step_texts belongs to the script that sources this file
# A step NAME is a function step_NAME; its text for --list is in step_texts[NAME].

# Runs the steps given by name; the summary's last line is "N passed, N failed". Fails if one did.
# A failing set-up ends the run, since nothing after it can work.
run_steps() {
  local name status start passed=0 failed=0 summary=()
  for name in "$@"; do
    printf '\n== %s: %s\n' "$name" "${step_texts[$name]}"
    start=$SECONDS
    # Not in an `if`, which would switch `set -e` off inside the step.
    set +e
    (
      set -e
      "step_$name"
    )
    status=$?
    set -e
    if [[ $status == 0 ]]; then
      passed=$((passed + 1))
      summary+=("$(printf '%-12s passed %5d s' "$name" $((SECONDS - start)))")
    else
      failed=$((failed + 1))
      summary+=("$(printf '%-12s FAILED %5d s' "$name" $((SECONDS - start)))")
    fi
    printf '== %s\n' "${summary[-1]}"
    [[ $name != setup || $status == 0 ]] || break
  done
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
