# shellcheck shell=bash
# Builds and runs the fuzzer. Sourced, never run; needs setup.sh and $fenceline_root as the current
# directory.

# shellcheck disable=SC2034 # used by the script that sources this file
# The names of FuzzTarget in Tools/Sources/FuzzTargets.
fuzz_targets=(records store image text)

fuzz_scratch=.build-fuzz

# What an input may take: a store of a few hundred KiB needs neither time nor memory.
fuzz_limits=(-timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 -max_len=8192 -entropic=0)

# Bytes of the largest input that is kept, and of all inputs of a target.
fuzz_largest_kept=2048
fuzz_most_kept=$((240 << 10))

# Builds the fuzzer and prints its path.
build_fuzzer() {
  local options=(-c release --sanitize=fuzzer --sanitize=address --scratch-path "$fuzz_scratch")
  # The linker's remarks about the sanitizer's own symbols mean nothing.
  FENCELINE_FUZZ=1 swift build "${options[@]}" -j "$fenceline_jobs" --product fuzz 2>&1 |
    sed -u '/warning: Cannot export local symbol .*asan/d' >&2
  printf '%s/fuzz\n' "$(FENCELINE_FUZZ=1 swift build "${options[@]}" --show-bin-path)"
}

# Runs the program $1 on the target $2 with libFuzzer's arguments that follow.
run_fuzzer() {
  local program=$1 target=$2
  shift 2
  # The backtracer can hang where output goes to a pipe, and the sanitizer prints a trace of its own.
  SWIFT_BACKTRACE=enable=no FENCELINE_FUZZ_TARGET=$target "$program" "$@"
}

# Fuzzes the target $2 for $3 seconds in $4 processes; findings go to $5. Sets fuzz_summary.
fuzz_target() {
  local program=$1 target=$2 seconds=$3 jobs=$4 findings=$5
  local corpus=$fuzz_scratch/corpus/$target seeds=$fuzz_scratch/seeds/$target log=$fuzz_scratch/$target.log
  local status=0 arguments=("${fuzz_limits[@]}" "-max_total_time=$seconds" -print_final_stats=1)
  mkdir -p "$corpus" "$seeds" "Data/fuzz/$target"
  if [[ $jobs -gt 1 ]]; then arguments+=("-fork=$jobs"); fi
  FENCELINE_FUZZ_SEEDS=$seeds run_fuzzer "$program" "$target" "${arguments[@]}" \
    "-artifact_prefix=$findings/$target-" "$corpus" "$seeds" "Data/fuzz/$target" >"$log" 2>&1 ||
    status=$?
  describe_run "$target" "$log" "$seconds"
  [[ $status == 0 ]] && return
  grep -E 'Fatal error|ERROR: |SUMMARY: |Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
  say "the whole output is in $log; to see it again:"
  say "  SWIFT_BACKTRACE=enable=no FENCELINE_FUZZ_TARGET=$target $program $findings/$target-..."
  fuzz_summary+=", FINDING"
  return 1
}

# Makes one line of what libFuzzer says in the log $2.
describe_run() {
  local target=$1 log=$2 seconds=$3 last executions
  last=$(grep -E '^#[0-9]+.* cov: ' "$log" | tail -n 1)
  executions=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  fuzz_summary=$(printf '%-8s %10s executions in %s s, %s edges, %s inputs kept' "$target" \
    "${executions:-$(sed -E 's/^#([0-9]+).*/\1/' <<<"$last")}" "$seconds" \
    "$(sed -E 's/.* cov: ([0-9]+).*/\1/' <<<"$last")" "$(sed -E 's/.* corp: ([0-9]+).*/\1/' <<<"$last")")
}

# Replaces Data/fuzz of the target $2 by as few and as small inputs as reach the same code.
merge_corpus() {
  local program=$1 target=$2 work number=0 kept=0 size file
  work=$(mktemp -d)
  mkdir "$work/from" "$work/to"
  # Found findings have names of their own and stay.
  find "Data/fuzz/$target" "$fuzz_scratch/corpus/$target" "$fuzz_scratch/seeds/$target" -type f \
    ! -name 'found-*' -size "-$((fuzz_largest_kept + 1))c" -exec cp -t "$work/from" {} +
  run_fuzzer "$program" "$target" "${fuzz_limits[@]}" -set_cover_merge=1 "$work/to" "$work/from" \
    >"$fuzz_scratch/$target-merge.log" 2>&1 || {
    tail -n 5 "$fuzz_scratch/$target-merge.log" >&2
    die "the inputs of $target can't be merged"
  }
  find "Data/fuzz/$target" -type f ! -name 'found-*' -delete
  # The smallest first: where there are too many, the largest stay out.
  while IFS=' ' read -r size file; do
    kept=$((kept + size))
    [[ $kept -le $fuzz_most_kept ]] || break
    number=$((number + 1))
    cp "$file" "Data/fuzz/$target/$(printf '%03d' "$number")"
  done < <(find "$work/to" -type f -printf '%s %p\n' | sort -n)
  rm -rf "$work"
  say "Data/fuzz/$target has $number inputs, $(du -bs "Data/fuzz/$target" | cut -f 1) bytes"
}
