# shellcheck shell=bash
# Builds what Tools/install installs, and checks it. Sourced, never run; needs setup.sh and
# $fenceline_root as the current directory.
#
# The list of exported functions is taken from the header, so the two can't disagree.
# shellcheck disable=SC2154 # fenceline_root and fenceline_jobs belong to setup.sh

library_header=Sources/CFenceline/include/fenceline.h
# The number changes when a program that was linked with an older library would no longer work.
library_file=libfenceline.so.0

# A directory of its own: these builds have the Swift runtime linked in.
library_scratch=.build-install
static_options=(-c release -j "$fenceline_jobs" --scratch-path "$library_scratch"
  --disable-local-rpath -Xswiftc -static-stdlib -Xlinker --strip-all)

# Prints the functions that the header declares, sorted.
header_functions() {
  grep -oE '^[a-z][a-z0-9_ ]*[ *]fenceline_[a-z_]+\(' "$library_header" | grep -v '^typedef' |
    grep -oE 'fenceline_[a-z_]+' | LC_ALL=C sort
}

# Prints the functions that a shared library exports, sorted.
exported_symbols() {
  nm -D --defined-only --extern-only "$1" | awk '{ print $NF }' | LC_ALL=C sort
}

# build_static RESULT OPTION...: builds, prints the path of the result.
build_static() {
  local bin result=$1
  shift
  # Called in substitutions, where `set -e` does not reach.
  # The linker's remark concerns a function of Foundation that nothing here calls.
  swift build "${static_options[@]}" "$@" 2>&1 |
    sed -u '/warning: the use of .mktemp. is dangerous/d' >&2 || return
  bin=$(swift build -c release --scratch-path "$library_scratch" --show-bin-path) || return
  printf '%s/%s\n' "$bin" "$result"
}

# Builds the shared library; prints its path.
build_library() {
  local script=$library_scratch/exported.map
  mkdir -p "$library_scratch"
  { echo '{ global:'; header_functions | sed 's/$/;/'; echo 'local: *; };'; } >"$script"
  # Linked anew each time: the build does not know that the script may have changed.
  rm -f "$library_scratch"/*/release/libfenceline.so
  build_static libfenceline.so --product fenceline -Xlinker -soname -Xlinker "$library_file" \
    -Xlinker --version-script="$script" "$@"
}

# Builds kvctl; prints its path.
build_static_kvctl() { build_static kvctl --product kvctl "$@"; }

# Fails if a program or library needs anything of a Swift toolchain or of the place where it was
# built.
check_independence() {
  local dynamic toolchain failed=0
  dynamic=$(readelf -d "$1")
  if grep -E '\((RPATH|RUNPATH)\)' <<<"$dynamic"; then
    say "$1 looks for libraries where it was built"
    failed=1
  fi
  if grep 'NEEDED.*swift' <<<"$dynamic"; then
    say "$1 needs a Swift runtime"
    failed=1
  fi
  toolchain=$(dirname "$(dirname "$(swift_tool swift)")")
  if grep -aqF -e "$toolchain/" -e "$fenceline_root/" "$1"; then
    say "$1 names the toolchain's directory or this one"
    failed=1
  fi
  return "$failed"
}

# Fails if the library is not what programs may rely on.
check_library() {
  local failed=0
  check_independence "$1" || failed=1
  if ! readelf -d "$1" | grep -qF "soname: [$library_file]"; then
    say "$1 has another name inside than $library_file"
    failed=1
  fi
  if ! diff <(header_functions) <(exported_symbols "$1") >&2; then
    say "$1 exports something else than fenceline.h declares"
    failed=1
  fi
  return "$failed"
}

# Prints the pkg-config file, whose paths follow the place where it lies.
write_pkg_config() {
  local version
  version=$(sed -nE 's/.*version: "kvctl ([0-9.]+)".*/\1/p' Sources/kvctl/Kvctl.swift)
  cat <<PKGCONFIG
prefix=\${pcfiledir}/../..
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: fenceline
Description: A journaling key-value store for persistent memory
Version: ${version:?no version in Sources/kvctl/Kvctl.swift}
Libs: -L\${libdir} -lfenceline
Cflags: -I\${includedir}
PKGCONFIG
}
