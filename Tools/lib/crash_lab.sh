# shellcheck shell=bash
# Builds the crash laboratory: as it is, or with faults to be switched on where --mutants asks for
# them. Sourced, never run.

# Prints the path of the program that is right for the given arguments.
build_crash_lab() {
  local argument
  for argument in "$@"; do
    [[ $argument != --mutants ]] ||
      fenceline_release=(-c release --traits PersistentMemory,Mutants --scratch-path .build-mutants)
  done
  build_for_speed crash-lab
}

# A short form of what the program does for hours: a minute of images, of situations that are others each
# time (the tests explore every situation, with few images), then every mutant.
check_crash_lab() {
  local program
  program=$(build_crash_lab)
  "$program" --shuffled --seconds "${FENCELINE_CRASH_SECONDS:-60}"
  # A few moments with nothing left out.
  "$program" --seconds 10 --unpruned --limit 512 --samples 8
  program=$(build_crash_lab --mutants)
  "$program" --mutants --seconds 30 --finders Data/crash-lab/mutants.tsv
}
