# shellcheck shell=bash
# Builds and runs what Tools/bench and Tools/peers measure with. Sourced, never run; needs setup.sh
# and $fenceline_root as the current directory.

# The packages that both need. (libpmem, which the copies are compared with, every build needs.)
# shellcheck disable=SC2034 # used by the scripts
bench_packages=(liblmdb-dev gcc libc6-dev)

# Holds the installed library and the drivers; builds are repeated only where something changed.
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

# Builds the program that runs the driver; sets bench_tool.
build_bench_tool() {
  say "building the tool"
  # shellcheck disable=SC2154 # fenceline_release belongs to setup.sh
  build_quietly swift build "${fenceline_release[@]}" -j "$fenceline_jobs" --product bench
  bench_tool=$(swift build "${fenceline_release[@]}" --show-bin-path)/bench
}

# check_bench_arguments COMMAND...: ends the script where the arguments given to it are wrong, or
# ask for help, before anything is installed or measured.
# shellcheck disable=SC2154 # arguments and invoked_from belong to the scripts
check_bench_arguments() {
  local argument
  # Names of files are relative to where the user called from.
  (cd "$invoked_from" && "$@" --only-check-arguments "${arguments[@]}") || exit
  for argument in "${arguments[@]}"; do
    [[ $argument != --help && $argument != -h ]] || exit 0
  done
}

# The copy core's objects, for the comparison with libpmem; its files name instruction sets in the
# way of the toolchain's own compiler.
build_copy_core() {
  local clang objects=$bench_directory/copy-core
  clang=$(swift_tool clang)
  rm -rf "$objects"
  mkdir -p "$objects"
  (cd "$objects" && build_quietly "$clang" -O2 -Wall -Wextra -Werror -c \
    -I"$fenceline_root/Sources/CFlush/include" "$fenceline_root"/Sources/CFlush/*.c)
}

# Installs the library below $bench_prefix, as users have it.
bench_prefix=$bench_directory/prefix
install_for_bench() {
  mkdir -p "$bench_directory"
  say "building the library and the driver"
  build_quietly Tools/install --no-kvctl "$bench_prefix"
}

# build_bench_driver NAME [FILE|OPTION]...: builds a driver, with further engines, against the
# library as it is installed for users.
build_bench_driver() {
  local name=$1
  shift
  install_for_bench
  build_copy_core
  build_quietly "${CC:-cc}" -O2 -Wall -Wextra -Werror -pthread -I"$bench_prefix/include" \
    -ISources/CFlush/include Tools/Sources/bench-loop/*.c "$bench_directory"/copy-core/*.o "$@" \
    -L"$bench_prefix/lib" -Wl,-rpath,"$bench_prefix/lib" -lfenceline -llmdb -lpmem -lm \
    -o "$bench_directory/$name"
}

# run_bench DRIVER COMMAND...: runs the program on the arguments given to the script; whatever ends
# it, its directories go.
# shellcheck disable=SC2154 # arguments and invoked_from belong to the scripts
run_bench() {
  local status=0 driver=$bench_directory/$1
  shift
  bench_scratch=$(mktemp -d "${TMPDIR:-/tmp}/fenceline-bench.XXXXXX")
  bench_pid=
  trap clean_up_after_bench EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # Where the user called from: names of files and directories may be relative.
  cd "$invoked_from" || die "$invoked_from is gone"
  # In the background, since the shell runs traps only between commands or in `wait`.
  "$@" --driver "$driver" --scratch "$bench_scratch" \
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
