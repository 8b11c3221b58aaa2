# shellcheck shell=bash
# Builds the README's example the way a user would: as a separate package that depends on this one by
# its repository's address. Sourced, never run.

# Prints the first code block of the language $2 in the file $1.
first_code_block() {
  awk -v fence="\`\`\`$2" '$0 == fence { inside = 1; next } $0 == "```" && inside { exit } inside' "$1"
}

# Builds and runs the example; its output must be what the README says.
check_embedding() {
  local work output wanted
  work=$(mktemp -d)
  # A repository of the files as they are now: library targets that need unsafe flags, or files that
  # were never added, fail here and nowhere else.
  mkdir -p "$work/fenceline" "$work/example/Sources/example"
  git ls-files --cached --others --exclude-standard -z |
    while IFS= read -r -d '' file; do [[ -e $file ]] && printf '%s\0' "$file"; done |
    tar --null --files-from=- -cf - | tar -xf - -C "$work/fenceline"
  git -C "$work/fenceline" init -q -b main
  git -C "$work/fenceline" add -A
  git -C "$work/fenceline" -c user.name=test -c user.email=test@localhost commit -qm example
  git -C "$work/fenceline" tag 0.1.0
  first_code_block README.md swift >"$work/example/Sources/example/main.swift"
  cat >"$work/example/Package.swift" <<MANIFEST
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
  name: "example",
  dependencies: [.package(url: "file://$work/fenceline", from: "0.1.0")],
  targets: [
    .executableTarget(
      name: "example", dependencies: [.product(name: "Fenceline", package: "fenceline")])
  ])
MANIFEST
  output=$(cd "$work/example" && swift build -q -j "$fenceline_jobs" >&2 &&
    cd "$work" && example/.build/debug/example)
  wanted=$(awk '/^It prints:$/ { found = 1 } found' README.md | first_code_block /dev/stdin text)
  rm -rf "$work"
  printf '%s\n' "$output"
  if [[ -z $wanted || $output != "$wanted" ]]; then
    say "the example printed something else than the README says"
    return 1
  fi
}
