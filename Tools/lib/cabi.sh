# shellcheck shell=bash
# Tests the C interface as a C program meets it: the library and the header that Tools/install puts
# in place, and the system's own compiler. Sourced, never run; needs setup.sh, embed.sh
# (first_code_block) and $fenceline_root as the current directory.

# Valgrind knows neither persistent memory nor its instructions; the C tests run on tmpfs with it.
# What Swift's runtime keeps in its tables is pointed to from inside only, so "possibly lost" says
# nothing; a store or a text that was let go would be "definitely lost". No suppressions are needed.
# shellcheck disable=SC2054 # the commas are valgrind's
valgrind_options=(--quiet --error-exitcode=9 --leak-check=full
  --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect)

c_options=(-std=c99 -Wall -Wextra -Werror -pedantic -g -O1)

# Runs in a clean environment: only the library's place is known, no Swift toolchain.
run_isolated() { env -i LC_ALL=C PATH=/usr/bin:/bin LD_LIBRARY_PATH="$cabi_work/prefix/lib" "$@"; }

# To be called in a subshell of its own: removes what it leaves behind when that ends.
check_c_interface() {
  install_packages valgrind python3 pkg-config
  cabi_work=$(mktemp -d)
  trap remove_cabi_work EXIT
  check_installation
  check_c_tests
  check_c_environments
  check_c_examples
}

remove_cabi_work() {
  if mountpoint -q "$cabi_work/small"; then umount "$cabi_work/small"; fi
  rm -rf "$cabi_work"
}

# Tools/install, twice over the same place and once for a package, and what it refuses.
check_installation() {
  # shellcheck disable=SC2154 # library_header belongs to shared_library.sh
  local header=$library_header prefix=$cabi_work/prefix before arguments status
  Tools/install "$prefix"
  before=$(stat -c %i "$prefix/lib/libfenceline.so.0")
  DESTDIR=$cabi_work/package Tools/install --no-kvctl "/usr"
  [[ -f $cabi_work/package/usr/lib/libfenceline.so.0 && ! -e $cabi_work/package/usr/bin ]]
  # Replaced, not overwritten: a program that runs keeps the old file.
  Tools/install --no-kvctl "$prefix"
  [[ $(stat -c %i "$prefix/lib/libfenceline.so.0") != "$before" ]]
  [[ $(readlink "$prefix/lib/libfenceline.so") == libfenceline.so.0 ]]
  cmp "$header" "$prefix/include/fenceline.h"
  [[ $(find "$prefix" -type f -o -type l | wc -l) == 5 ]]
  run_isolated "$prefix/bin/kvctl" put "$cabi_work/shell" key value
  [[ $(run_isolated "$prefix/bin/kvctl" get "$cabi_work/shell" key) == value ]]
  if ldd "$prefix/bin/kvctl" "$prefix/lib/libfenceline.so.0" | grep -E 'swift|not found'; then
    say "the installed files need a Swift runtime"
    return 1
  fi
  [[ $(Tools/install --help) == *PREFIX* ]]
  for arguments in "" "a b" "--nonsense a" "--no-kvctl --no-library a"; do
    status=0
    # shellcheck disable=SC2086 # several arguments in one string
    Tools/install $arguments >/dev/null 2>&1 || status=$?
    [[ $status == 64 ]] || { say "Tools/install $arguments: status $status"; return 1; }
  done
}

# c_pkg_config OPTION...: what pkg-config says of the installation.
c_pkg_config() { PKG_CONFIG_PATH=$cabi_work/prefix/lib/pkgconfig pkg-config "$@" fenceline; }

check_c_tests() {
  local flags
  read -ra flags <<<"$(c_pkg_config --cflags --libs)"
  cc "${c_options[@]}" -pthread -o "$cabi_work/tests" Tests/CABI/*.c "${flags[@]}"
  printf '#include <fenceline.h>\nint main() { return fenceline_sync(0) == 0; }\n' \
    >"$cabi_work/header.cc"
  c++ -Wall -Wextra -Werror -pedantic -o "$cabi_work/header" "$cabi_work/header.cc" "${flags[@]}"
  run_isolated "$cabi_work/header"
  run_c_tests
  run_c_tests valgrind "${valgrind_options[@]}"
}

# run_c_tests [WRAPPER...]: all cases that need no environment, on tmpfs.
run_c_tests() {
  local memory disk
  memory=$(mktemp -d /dev/shm/fenceline-cabi.XXXXXX)
  disk=$(mktemp -d /var/tmp/fenceline-cabi.XXXXXX)
  local status=0
  run_isolated FENCELINE_DISK="$disk" "$@" "$cabi_work/tests" "$memory" || status=$?
  rm -rf "$memory" "$disk"
  return "$status"
}

# The cases that need an environment of their own.
check_c_environments() {
  mkdir "$cabi_work/forced" "$cabi_work/small" "$cabi_work/users" "$cabi_work/users/closed"
  run_isolated PMEM_IS_PMEM_FORCE=1 FENCELINE_COPY=nonsense "$cabi_work/tests" \
    "$cabi_work/forced" unavailable
  if [[ $(id -u) != 0 ]]; then
    say "not root: a full medium and missing permission are not tested"
    return
  fi
  if mount -t tmpfs -o size=2m fenceline-cabi "$cabi_work/small"; then
    run_isolated "$cabi_work/tests" "$cabi_work/small" full-medium
  else
    say "no mounting here: a full medium is not tested"
  fi
  # A user of no rights, who has to come as far as the directory.
  chmod 755 "$cabi_work" "$cabi_work/users/closed"
  chmod 777 "$cabi_work/users"
  run_isolated setpriv --reuid 65534 --regid 65534 --clear-groups "$cabi_work/tests" \
    "$cabi_work/users" permission
}

# The README's C program and the Python example print what they say.
check_c_examples() {
  local flags output wanted
  read -ra flags <<<"$(c_pkg_config --cflags --libs)"
  first_code_block README.md c >"$cabi_work/example.c"
  cc "${c_options[@]}" -o "$cabi_work/example" "$cabi_work/example.c" "${flags[@]}"
  output=$(cd "$cabi_work" && run_isolated ./example)
  wanted=$(awk '/The program prints:$/ { found = 1 } found' README.md |
    first_code_block /dev/stdin text)
  expect_output "the README's C program" "$wanted" "$output"
  output=$(run_isolated python3 Tools/examples/fenceline_example.py "$cabi_work/python")
  wanted=$(sed -n '/^# Prints:$/,$s/^#   //p' Tools/examples/fenceline_example.py)
  expect_output "the Python example" "$wanted" "$output"
}

# expect_output WHAT WANTED GOT
expect_output() {
  printf '%s\n' "$3"
  [[ -n $2 && $2 == "$3" ]] || { say "$1 printed something else than it says"; return 1; }
}
