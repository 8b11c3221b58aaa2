# shellcheck shell=bash
# What the store takes each kind of memory for: `media.sh KIND` behind library.sh and expect.sh.

# stat_says STORE MEDIUM DURABLE BUFFERED: what `kvctl stat` says of a store that exists.
stat_says() {
  local path=$1 pattern='medium: +%s\s+medium is forced: +no\s+a durable write survives: +%s\s+'
  shift
  # shellcheck disable=SC2059 # the pattern is the format
  expect 0 "$(printf "$pattern"'a buffered write survives: +%s' "$@")" kvctl stat "$path"
}

# persistent STORE MEDIUM: survives a loss of power.
persistent() {
  expect 0 'survives: power failure' dax-vm-guest require "$1"
  expect 0 '' kvctl put "$1" key value
  stat_says "$1" "$2" 'power failure' 'process crash'
}

# volatile STORE MEDIUM SURVIVES: a store, but not one for somebody who wants it to survive a loss of power.
not_persistent() {
  expect 74 "the medium survives $3, but power failure is required" dax-vm-guest require "$1"
  expect 0 '' kvctl put "$1" key value
  stat_says "$1" "$2" "$3" "$3"
}
