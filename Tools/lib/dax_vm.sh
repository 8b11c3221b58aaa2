# shellcheck shell=bash
# shellcheck disable=SC2154 # fenceline_root, fenceline_jobs belong to setup.sh
# What the virtual machine of Tools/dax-vm needs: Debian's packages, the kernel's among them, and this
# project's programs. Sourced, never run; needs setup.sh, shared_library.sh and $fenceline_root as the
# current directory.

# In the guest the host's programs run: what the guest needs is installed here.
dax_vm_packages=(qemu-system-x86 busybox-static ndctl e2fsprogs xfsprogs dmsetup python3 mount)
dax_vm_programs=(qemu-system-x86_64 busybox ndctl mkfs.ext4 mkfs.xfs dmsetup python3)
dax_vm_cache=${XDG_CACHE_HOME:-$HOME/.cache}/fenceline/dax-vm

# Says in one line why there is no machine, and ends with the status for that.
dax_vm_unavailable() {
  say "Tools/dax-vm: no virtual machine here: $*"
  exit 69
}

# Installs what is missing and finds a kernel, or ends with status 69.
prepare_dax_vm() {
  local program
  PATH=$PATH:/usr/sbin:/sbin
  [[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] ||
    dax_vm_unavailable "the emulated memory is that of x86-64, on Linux"
  # In a subshell, since it may end the script with another status.
  (install_packages "${dax_vm_packages[@]}") ||
    dax_vm_unavailable "these packages can't be installed: ${dax_vm_packages[*]}"
  for program in "${dax_vm_programs[@]}"; do
    command -v "$program" >/dev/null || dax_vm_unavailable "there is no $program"
  done
  mkdir -p "$dax_vm_cache/packages" || dax_vm_unavailable "$dax_vm_cache can't be written"
  dax_vm_kernel=$(find_dax_vm_kernel) ||
    dax_vm_unavailable "Debian's kernel (the package linux-image-amd64) can't be downloaded"
}

# Prints the path of the kernel's package: the one that is there, or the one that apt offers now.
find_dax_vm_kernel() {
  local name found
  found=$(find "$dax_vm_cache/packages" -name 'linux-image-*.deb' | sort -V | tail -n 1)
  if [[ -z $found ]]; then
    command -v apt-get >/dev/null || return
    # It only names the kernel that is newest; the cloud's kernel has no 9p.
    name=$(newest_kernel) || { run_apt apt-get update -q && name=$(newest_kernel); } || return
    say "downloading $name"
    (cd "$dax_vm_cache/packages" && apt-get download -q "$name" >&2) || return
    found=$(find "$dax_vm_cache/packages" -name 'linux-image-*.deb' | sort -V | tail -n 1)
  fi
  [[ -n $found ]] && printf '%s\n' "$found"
}

newest_kernel() { apt-cache depends linux-image-amd64 2>/dev/null | grep -oPm 1 'Depends: \Klinux-image-[0-9]\S+'; }

# run_dax_vm PROGRAMS ARGUMENT...: the tool itself, with the directory of the project's programs.
run_dax_vm() {
  local programs=$1
  shift
  python3 -B "$fenceline_root/Tools/Sources/dax-vm/main.py" --kernel-package "$dax_vm_kernel" \
    --cache "$dax_vm_cache" --programs "$programs" "$@"
}

# Builds the tests; prints the path of the program that holds them.
build_dax_vm_tests() {
  swift build -j "$fenceline_jobs" --build-tests >&2
  printf '%s/fencelinePackageTests.xctest\n' "$(swift build --show-bin-path)"
}

# A short form of `Tools/dax-vm check`, with what is built for debugging. Passes, with a remark, where
# there can be no machine.
check_dax_vm() {
  local status=0 tests
  (prepare_dax_vm) || status=$?
  if [[ $status == 69 ]]; then
    say "not run: the store on DAX file systems, under power cuts and media errors of a virtual machine"
    return
  fi
  prepare_dax_vm
  tests=$(build_dax_vm_tests)
  run_dax_vm "$(dirname "$tests")" --tests "$tests" check --short
}
