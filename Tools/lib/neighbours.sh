# shellcheck shell=bash
# shellcheck disable=SC2154 # fenceline_jobs belongs to setup.sh
# A store among others: disks that fill, mounts that can't be written. Sourced, never run; needs root
# for mounting, setup.sh, and $fenceline_root as the current directory.

# To be called in a subshell of its own: unmounts and removes what it made when that ends.
check_neighbours() {
  if [[ $(id -u) != 0 ]]; then
    say "not root: nothing can be mounted, so this is not tested"
    return
  fi
  install_packages e2fsprogs mount
  # In memory: thousands of device flushes are waited for.
  neighbours_work=$(mktemp -d /dev/shm/fenceline-neighbours.XXXXXX)
  trap remove_neighbours EXIT
  mkdir "$neighbours_work/ext4" "$neighbours_work/tmpfs"
  head -c 300000 /dev/zero >"$neighbours_work/large"
  truncate -s 12M "$neighbours_work/image"
  mkfs.ext4 -q -O ^has_journal "$neighbours_work/image"
  mount -o loop "$neighbours_work/image" "$neighbours_work/ext4"
  mount -t tmpfs -o size=4m fenceline "$neighbours_work/tmpfs"
  rmdir "$neighbours_work/ext4/lost+found"
  export FENCELINE_SMALL_DISKS=$neighbours_work/ext4:$neighbours_work/tmpfs
  swift_test --filter '^FencelineTests\.SmallDiskTests'
  PMEM_IS_PMEM_FORCE=1 swift_test --filter '^FencelineTests\.SmallDiskTests'
  swift build -j "$fenceline_jobs" --product kvctl
  PATH=$(swift build --show-bin-path):$PATH
  check_full_disk_in_shell "$neighbours_work/ext4"
  check_full_disk_in_shell "$neighbours_work/tmpfs"
  check_read_only_mount "$neighbours_work/ext4"
}

remove_neighbours() {
  local place
  for place in ext4/view ext4 tmpfs; do
    if mountpoint -q "$neighbours_work/$place"; then umount "$neighbours_work/$place"; fi
  done
  rm -rf "$neighbours_work"
}

# expect_status STATUS COMMAND...: the command ends so, and an error is one line that names a file.
# Its input is a value that needs a segment of its own.
expect_status() {
  local wanted=$1 status=0 errors
  shift
  errors=$("$@" 2>&1 >/dev/null <"$neighbours_work/large") || status=$?
  if [[ $status != "$wanted" ]]; then
    say "$*: status $status, not $wanted: $errors"
    return 1
  fi
  if [[ $wanted != 0 && $errors != "kvctl: $neighbours_work/"* || $errors == *$'\n'* ]]; then
    say "$*: not one line that names a file: $errors"
    return 1
  fi
}

# Every command on a store whose disk ($1) has no room: reading and deleting work.
check_full_disk_in_shell() {
  local store=$1/store number value
  value=$(printf '%02000d' 0)
  expect_status 0 kvctl put "$store" key value
  for number in {1..50}; do printf '%s\t%s\n' "$number" "$value"; done >"$1/input"
  expect_status 0 kvctl import "$store" "$1/input"
  head -c 20000000 /dev/zero >"$1/ballast" 2>/dev/null || true
  expect_status 74 kvctl put "$store" large
  expect_status 74 kvctl index "$store" "$1/index.sqlite"
  expect_status 74 kvctl export "$store" "$1/export"
  [[ ! -e $1/export && ! -e $1/index.sqlite ]]
  expect_status 0 kvctl get "$store" key
  expect_status 0 kvctl list "$store"
  expect_status 0 kvctl stat "$store"
  expect_status 0 kvctl verify "$store"
  expect_status 0 kvctl delete "$store" 50
  [[ $(kvctl list "$store" | wc -l) == 50 ]]
  rm "$1/ballast"
  expect_status 0 kvctl put "$store" large
  rm -r "$store" "$1/input"
}

# A store on a mount that can't be written ($1/view) is read, and nothing else.
check_read_only_mount() {
  local view=$1/view
  mkdir -p "$1/real" "$view"
  expect_status 0 kvctl put "$1/real/store" key value
  mount --bind "$1/real" "$view"
  mount -o remount,bind,ro "$view"
  [[ $(kvctl get "$view/store" key) == value ]]
  expect_status 0 kvctl verify "$view/store"
  expect_status 0 kvctl list "$view/store"
  expect_status 77 kvctl put "$view/store" key other
  expect_status 77 kvctl delete "$view/store" key
  expect_status 77 kvctl put "$view/another" key value
  [[ $(kvctl get "$1/real/store" key) == value ]]
}
