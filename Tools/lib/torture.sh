# shellcheck shell=bash
# Builds what kills writers: as it is, or with faults to be switched on where --mutants or --mutant asks
# for them. Sourced, never run; needs setup.sh and $fenceline_root as the current directory.

# Prints the path of the program that is right for the given arguments; kvctl lies beside it.
build_torture() {
  local options=(-c release) argument product
  for argument in "$@"; do
    if [[ $argument == --mutant || $argument == --mutants || $argument == --mutant=* ]]; then
      options+=(--traits PersistentMemory,Mutants --scratch-path .build-mutants)
      break
    fi
  done
  for product in kvctl torture; do
    # Called in a substitution, where `set -e` does not reach.
    swift build "${options[@]}" -j "$fenceline_jobs" --product "$product" >&2 || return
  done
  printf '%s/torture\n' "$(swift build "${options[@]}" --show-bin-path)"
}

# A short form, with the debug build that an earlier step has made.
check_torture() {
  local bin product
  for product in kvctl torture; do swift build -j "$fenceline_jobs" --product "$product" >&2; done
  bin=$(swift build --show-bin-path)
  "$bin/torture" --kvctl "$bin/kvctl" --kills 40
}
