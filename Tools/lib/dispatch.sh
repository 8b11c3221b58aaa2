# shellcheck shell=bash
# The copy core on CPUs that this machine is not: its checks as a C program, run by Debian's emulators of
# user programs. Sourced, never run; needs setup.sh and $fenceline_root as the current directory.

dispatch_packages=(qemu-user gcc libc6-dev)
dispatch_arm_packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)

# An emulated CPU, what must be chosen on it (copy/flush/policy checksum), and how much is checked. What
# two CPUs have in common is checked on one of them. No emulated CPU has AVX-512 or VPCLMULQDQ: the
# debug step's tests run those where the machine has them.
dispatch_x86=(
  'qemu64|sse2/clflush/strict software|all'
  'Nehalem|sse2/clflush/strict sse42|chosen'
  'Haswell-v4|avx2/clflush/strict clmul|chosen'
  'max,-clwb,-clflushopt|avx2/clflush/strict clmul|row'
  'max,-clwb|avx2/clflushopt/strict clmul|chosen'
  'max|avx2/clwb/strict clmul|chosen'
)
dispatch_arm=(
  'cortex-a53|neon/cvac/strict arm|all'
  'cortex-a76|neon/cvap/strict arm|row'
  'neoverse-n1|neon/cvap/strict arm|chosen'
  'max|neon/cvap/strict arm|row'
)

# can_have PROGRAM PACKAGE...: installs what is missing; fails quietly where the program can't be had.
can_have() {
  (install_packages "${@:2}") >/dev/null 2>&1 || return
  command -v "$1" >/dev/null
}

# compile_dispatch NAME LINKER OPTION...: the program for one architecture. The core's files name
# instruction sets in the way of clang; any compiler's linker will do.
compile_dispatch() {
  local clang objects=$dispatch_work/$1.objects file
  clang=$(swift_tool clang)
  mkdir "$objects"
  for file in Sources/CFlush/*.c Tests/CFlushTestSupport/*.c Tools/Sources/dispatch/main.c; do
    printf '%s\0' "$fenceline_root/$file"
  done | (cd "$objects" && xargs -0 -n 8 -P "$fenceline_jobs" "$clang" "${@:3}" -O2 -Wall -Wextra \
    -Werror -I"$fenceline_root/Sources/CFlush/include" \
    -I"$fenceline_root/Tests/CFlushTestSupport/include" -c) || return
  # Static, so that the emulator needs no libraries of the other architecture.
  "$2" -static -pthread "$objects"/*.o -o "$dispatch_work/$1"
}

# check_cpu EMULATOR PROGRAM 'CPU|ROW|EXTENT': one line of the table; fails where another row was chosen
# or a check failed.
check_cpu() {
  local cpu row extent output found status=0 checked=
  IFS='|' read -r cpu row extent <<<"$3"
  output=$("$1" -cpu "$cpu" "$2" row 2>/dev/null) || status=$?
  found=${output%%$'\n'*}
  if [[ $status == 132 && $found == */cvap/* ]]; then
    # The capability is emulated everywhere, the instruction not before QEMU 8.1.
    status=0
    checked='this emulator offers dc cvap and does not execute it'
  elif [[ $status == 0 && $found == "$row" && $extent != row ]]; then
    output=$("$1" -cpu "$cpu" "$2" "$extent" 2>/dev/null) || status=$?
    checked="$extent: ${output##*$'\n'}"
  fi
  printf '%-8s %-22s %-28s %s\n' "${1##*-}" "$cpu" "$found" "$checked"
  if [[ $found != "$row" ]]; then
    printf '  expected: %s\n' "$row"
    return 1
  fi
  if [[ $status != 0 ]]; then
    printf '  ended with status %d:\n%s\n' "$status" "$output"
    return 1
  fi
}

# check_cpus EMULATOR PROGRAM LINE...: several at a time.
check_cpus() {
  local number=0 line
  rm -f "$dispatch_work"/*.failed
  for line in "${@:3}"; do
    { check_cpu "$1" "$2" "$line" >"$dispatch_work/$number.line" || touch "$dispatch_work/$number.failed"; } &
    number=$((number + 1))
    if ((number % fenceline_jobs == 0)); then wait; fi
  done
  wait
  for ((number = 0; number < $# - 2; number++)); do cat "$dispatch_work/$number.line"; done
  [[ -z $(find "$dispatch_work" -name '*.failed') ]]
}

# All of it, in a subshell of its own.
check_dispatch() {
  local failed=0
  dispatch_work=$(mktemp -d)
  trap 'rm -rf "$dispatch_work"' EXIT
  printf '%-8s %-22s %-28s %s\n' '' CPU chosen checked
  if [[ $(uname -m) == x86_64 ]] && can_have qemu-x86_64 "${dispatch_packages[@]}"; then
    compile_dispatch x86_64 "${CC:-cc}"
    check_cpus qemu-x86_64 "$dispatch_work/x86_64" "${dispatch_x86[@]}" || failed=1
  else
    say "not checked: other x86-64 CPUs; that takes such a machine and the packages" \
      "${dispatch_packages[*]}"
  fi
  if can_have qemu-aarch64 qemu-user &&
    can_have aarch64-linux-gnu-gcc "${dispatch_arm_packages[@]}"; then
    compile_dispatch aarch64 aarch64-linux-gnu-gcc --target=aarch64-linux-gnu \
      --sysroot=/usr/aarch64-linux-gnu
    check_cpus qemu-aarch64 "$dispatch_work/aarch64" "${dispatch_arm[@]}" || failed=1
  else
    check_arm_syntax || failed=1
    say "not run: the arm64 code, whose syntax was checked; that takes the packages qemu-user" \
      "${dispatch_arm_packages[*]}"
  fi
  return "$failed"
}

# No arm64 headers are needed: those files use freestanding ones only.
check_arm_syntax() {
  local clang file
  clang=$(swift_tool clang)
  for file in Sources/CFlush/*arm64*.c; do
    "$clang" --target=aarch64-linux-gnu -ffreestanding -fsyntax-only -Wall -Wextra -Werror \
      -ISources/CFlush/include "$file" || return
  done
}
