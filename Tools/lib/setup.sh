# shellcheck shell=bash
# Set-up for the scripts in Tools/: finds the repository, checks the Swift toolchain and installs
# what is missing. Sourced, never run; says what it does on the standard error.

# What every build needs: libpmem and SQLite to compile and link against, and the sqlite3 shell for
# the tests and the demo that look into an exported index. (pkg-config is not needed: both libraries
# lie where the compiler looks.)
fenceline_packages=(libpmem-dev libsqlite3-dev sqlite3)
fenceline_swift_minimum=6.2

# shellcheck disable=SC2034 # used by the scripts that source this file
# The repository's root, wherever the script was called from.
fenceline_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# shellcheck disable=SC2034
# How many jobs a build may use.
fenceline_jobs=${FENCELINE_JOBS:-$(getconf _NPROCESSORS_ONLN)}

# How programs are built that need speed. Tools/test names further options: those of its tests on
# optimised code, so that nothing is compiled twice.
read -ra fenceline_release <<<"-c release ${FENCELINE_RELEASE_OPTIONS-}"

# Prints a line on the standard error.
say() { printf '%s\n' "$*" >&2; }

# Prints a line on the standard error and ends the script.
die() {
  say "$*"
  exit 1
}

# Succeeds if version $1 is $2 or newer.
version_at_least() { printf '%s\n' "$2" "$1" | sort -V -C; }

# Ends the script unless there is a Swift toolchain that is new enough.
require_swift() {
  local version
  command -v swift >/dev/null ||
    die "Swift $fenceline_swift_minimum or newer is needed, and 'swift' is not in PATH: see swift.org/install"
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9.]+).*/\1/p')
  [[ -n $version ]] || die "'swift --version' names no version: is the toolchain complete?"
  version_at_least "$version" "$fenceline_swift_minimum" ||
    die "Swift $fenceline_swift_minimum or newer is needed, this is $version: see swift.org/install"
}

# Prints the path of a program of the Swift toolchain, which need not be in PATH.
swift_tool() {
  local tool
  tool=$(dirname "$(readlink -f "$(command -v swift)")")/$1
  [[ -x $tool ]] || tool=$(command -v "$1") || die "this Swift toolchain has no '$1'"
  printf '%s\n' "$tool"
}

# build_for_speed NAME: builds a program, prints its path.
build_for_speed() {
  # Called in substitutions, where `set -e` does not reach.
  swift build "${fenceline_release[@]}" -j "$fenceline_jobs" --product "$1" >&2 || return
  printf '%s/%s\n' "$(swift build "${fenceline_release[@]}" --show-bin-path)" "$1"
}

# Runs a command as root: directly, or with sudo.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root and no sudo; as root run: $*"
  fi
}

# Succeeds if a Debian package is installed.
has_package() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Succeeds if apt knows a version of each package that it could install.
can_install() {
  local package
  for package in "$@"; do
    [[ $(apt-cache policy "$package") =~ Candidate:\ [^\(] ]] || return 1
  done
}

# Installs those of the given packages that are missing.
install_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "no apt here; make sure that these, or what your system calls them, are installed: $*"
    return
  fi
  for package in "$@"; do
    has_package "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "installing with apt: ${missing[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends)
  if can_install "${missing[@]}" && run_apt "${install[@]}" "${missing[@]}"; then return; fi
  # Never updated, or so long ago that the files have moved.
  run_apt apt-get update -q
  run_apt "${install[@]}" "${missing[@]}"
}

# Runs a command of apt as root, one at a time: steps of Tools/test run side by side.
run_apt() {
  local lock status=0
  exec {lock}<"${BASH_SOURCE[0]}"
  flock "$lock"
  as_root "$@" >&2 || status=$?
  exec {lock}<&-
  return "$status"
}

# Checks the toolchain, installs what every build needs and then the packages given here.
set_up() {
  require_swift
  install_packages "${fenceline_packages[@]}" "$@"
}
