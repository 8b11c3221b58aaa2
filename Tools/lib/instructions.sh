# shellcheck shell=bash
# What Tools/instructions does. Sourced, never run; needs setup.sh, bench.sh and $fenceline_root as
# the current directory.

instruction_baseline=Data/benchmarks/instructions.tsv
# Percent by which a count may grow before it is a failure.
instruction_growth=3

# shellcheck disable=SC2154 # bench_directory and bench_prefix belong to bench.sh
build_instruction_driver() {
  install_for_bench
  build_quietly "${CC:-cc}" -O2 -Wall -Wextra -Werror -I"$bench_prefix/include" \
    Tools/Sources/instructions/main.c -L"$bench_prefix/lib" -Wl,-rpath,"$bench_prefix/lib" \
    -lfenceline -o "$bench_directory/instructions"
}

# Everything by which CPUs differ is chosen here: by Fenceline's variables for its own code, by those
# of glibc for its. Nothing else of the caller's environment may move the stack.
instruction_environment=(
  PATH=/usr/bin:/bin LC_ALL=C PMEM_IS_PMEM_FORCE=1
  FENCELINE_COPY=sse2 FENCELINE_FLUSH=clflush FENCELINE_POLICY=strict FENCELINE_CRC=sse42
  GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM
)

# Prints "operation <tab> instructions" for each operation, in the driver's order.
count_instructions() (
  work=$(mktemp -d)
  store=$(mktemp -d /dev/shm/fenceline-instructions.XXXXXX)
  trap 'rm -rf "$work" "$store"' EXIT
  say "counting"
  if ! env -i "${instruction_environment[@]}" valgrind --tool=callgrind --collect-atstart=no \
    --combine-dumps=yes --callgrind-out-file="$work/dumps" \
    "$bench_directory/instructions" "$store" >"$work/units" 2>"$work/errors"; then
    cat "$work/errors" >&2
    die "counting failed"
  fi
  median_counts "$work/units" "$work/dumps"
)

# median_counts UNITS DUMPS: of each operation's rounds the one in the middle, by unit. Rounds in which
# something happens that happens rarely, like the beginning of a segment, are no matter then.
median_counts() {
  awk -F '\t' '
    NR == FNR { order[++count] = $1; units[$1] = $2; next }
    sub(/^desc: Trigger: Client Request: /, "") { operation = $0 }
    sub(/^summary: /, "") && operation in units {
      rounds[operation] += 1
      sums[operation, rounds[operation]] = $0 / units[operation]
      operation = ""
    }
    END {
      for (i = 1; i <= count; i++) {
        of = order[i]
        for (a = 2; a <= rounds[of]; a++)
          for (b = a; b > 1 && sums[of, b] < sums[of, b - 1]; b--) {
            sum = sums[of, b]; sums[of, b] = sums[of, b - 1]; sums[of, b - 1] = sum
          }
        if (rounds[of] == 0) { print of ": no dump" > "/dev/stderr"; exit 1 }
        printf "%s\t%.1f\n", of, sums[of, int((rounds[of] + 1) / 2)]
      }
    }' "$1" "$2"
}

# What decides which instructions there are, beside the sources.
instruction_compiler() { swift --version 2>/dev/null | sed -nE 's/.*(Swift version [0-9.]+).*/\1/p'; }

keep_counts() {
  printf '# by Tools/instructions --accept; %s\n%s\n' "$(instruction_compiler)" "$1" \
    >"$instruction_baseline"
  cat "$instruction_baseline"
}

# Prints the counts beside the baseline's; fails where one has grown, or where the two do not have the
# same operations.
compare_counts() {
  local status=0 was
  was=$(sed -n '1s/.*; //p' "$instruction_baseline")
  awk -F '\t' -v limit="$instruction_growth" '
    /^#/ { next }
    NR == FNR { before[$1] = $2; next }
    FNR == 1 { printf "%-30s %12s %9s %9s\n", "instructions", "now", "baseline", "change" }
    !($1 in before) { printf "%-30s %12.1f %9s\n", $1, $2, "-"; unknown++; next }
    {
      change = ($2 / before[$1] - 1) * 100
      mark = change > limit ? "  GREW" : change < -limit ? "  fewer" : ""
      printf "%-30s %12.1f %9.1f %+8.2f%%%s\n", $1, $2, before[$1], change, mark
      if (change > limit) grown++
      delete before[$1]
    }
    END {
      for (name in before) { printf "%-30s is in the baseline only\n", name; unknown++ }
      if (unknown) print "The baseline has other operations."
      exit grown || unknown
    }' "$instruction_baseline" - <<<"$1" || status=$?
  [[ $status != 0 ]] || return 0
  if [[ $was != "$(instruction_compiler)" ]]; then
    say "The baseline was counted with $was, and this is $(instruction_compiler): no failure."
    return 0
  fi
  say "What grew took over $instruction_growth % more than in $instruction_baseline. If that is as it"
  say "should be, 'Tools/instructions --accept' makes it the new baseline."
  return 1
}
