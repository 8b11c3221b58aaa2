# shellcheck shell=bash
# Builds and runs what Tools/bench measures with. Sourced, never run; needs setup.sh and
# $fenceline_root as the current directory.

# The peers' packages, and how to link with them.
# shellcheck disable=SC2034 # used by Tools/bench
bench_packages=(liblmdb-dev gcc libc6-dev)
bench_libraries=(-llmdb)

# Holds the installed library and the driver; builds are repeated only where something changed.
bench_directory=$fenceline_root/.build-bench

# Runs a command and shows its output only if it fails.
build_quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "building failed: $*"
  fi
  rm -f "$log"
}

# Builds the driver against the library as it is installed for users.
build_bench_driver() {
  local prefix=$bench_directory/prefix
  mkdir -p "$bench_directory"
  build_quietly Tools/install --no-kvctl "$prefix"
  build_quietly "${CC:-cc}" -O2 -Wall -Wextra -Werror -I"$prefix/include" \
    Tools/Sources/bench-loop/*.c -L"$prefix/lib" -Wl,-rpath,"$prefix/lib" \
    -lfenceline "${bench_libraries[@]}" -o "$bench_directory/bench-loop"
}

# Runs the tool on the arguments given to the script; whatever ends it, its directories go.
# shellcheck disable=SC2154 # arguments and invoked_from belong to Tools/bench
run_bench() {
  local status=0
  bench_scratch=$(mktemp -d "${TMPDIR:-/tmp}/fenceline-bench.XXXXXX")
  bench_pid=
  trap clean_up_after_bench EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # Where the user called from: names of files and directories may be relative.
  cd "$invoked_from" || die "$invoked_from is gone"
  # In the background, since the shell runs traps only between commands or in `wait`.
  "$1" --driver "$bench_directory/bench-loop" --scratch "$bench_scratch" \
    --revision "$(git -C "$fenceline_root" describe --always --dirty 2>/dev/null || echo unknown)" \
    "${arguments[@]}" <&0 &
  bench_pid=$!
  wait "$bench_pid" || status=$?
  bench_pid=
  return "$status"
}

# Ends the tool, whose driver dies with it, and removes what they left.
clean_up_after_bench() {
  local directory
  if [[ -n $bench_pid ]]; then
    kill "$bench_pid" 2>/dev/null || true
    wait "$bench_pid" 2>/dev/null || true
  fi
  if [[ -f $bench_scratch/directories ]]; then
    while IFS= read -r directory; do
      # The driver may be dying still, and write its last.
      rm -rf "$directory" || { sleep 0.5 && rm -rf "$directory"; } || true
    done <"$bench_scratch/directories"
  fi
  rm -rf "$bench_scratch"
}
