# shellcheck shell=bash
# Checks that keep the repository tidy. Sourced, never run; needs $fenceline_root as the current
# directory. Each check prints what it finds and fails if it found anything.

# The project's own files, one a line; sample data is not text to check.
project_files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    # A file that was deleted and not yet committed is still listed.
    git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
      if [[ -f $file ]]; then printf '%s\n' "$file"; fi
    done
  else
    find . \( -name '.build*' -o -name .swiftpm \) -prune -o -type f -print | sed 's|^\./||'
  fi | grep -v '^Data/.*\.\(tsv\|jsonl\|bin\|sqlite\)$'
}

# Prints every line of the project's text that matches the extended pattern $2, under the title $1.
find_lines() {
  local found
  found=$(project_files | tr '\n' '\0' | xargs -0 grep -InE -e "$2" -- || true)
  [[ -z $found ]] || printf '%s:\n%s\n' "$1" "$found"
  [[ -z $found ]]
}

# Prints the sources of more than 400 lines.
find_long_files() {
  local file lines found=0
  while IFS= read -r file; do
    lines=$(wc -l <"$file")
    if [[ $lines -gt 400 ]]; then
      printf '%s: %d lines, more than 400\n' "$file" "$lines"
      found=1
    fi
  done < <(project_files | grep -E '^(Sources|Tests|Tools|Benchmarks)/|^Package\.swift$')
  return "$found"
}

# Prints the scripts that can't be run as they are.
find_scripts_not_executable() {
  local file found=0
  for file in Tools/* .ci/*; do
    [[ -f $file ]] || continue
    if [[ ! -x $file ]]; then
      printf '%s: not executable\n' "$file"
      found=1
    elif [[ $(head -c 2 "$file") != '#!' ]]; then
      printf '%s: no interpreter line\n' "$file"
      found=1
    fi
  done
  return "$found"
}

# Runs all checks; the brackets keep this file from matching its own patterns.
tidy() {
  local failed=0
  find_lines 'unfinished work' '\b(TOD[O]|FIXM[E])\b' || failed=1
  find_lines 'paths of one machine' \
    '(^|[^[:alnum:]_.~/-])/(home|root|Users|work|workspace|opt)/[[:alnum:]]' || failed=1
  find_long_files || failed=1
  find_scripts_not_executable || failed=1
  return "$failed"
}
