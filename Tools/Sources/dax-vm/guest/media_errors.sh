# shellcheck shell=bash
# Pages that can't be read any more, under programs that open the store and under handles that are open;
# behind library.sh and expect.sh. $poison is the path of poison.py.

value=$(printf '%0200d' 0)

# A store of a thousand keys, key1000 to key1999; the page at offset 131072 of its segment lies in the middle
# of them. It is closed in order. Its name is new: bad blocks must stay where they are.
make_store() {
  local number
  store=/mnt/dax/$1
  first=$store/00000001.segment
  for number in {1000..1999}; do printf 'key%s\t%s\n' "$number" "$value"; done >/mnt/input
  kvctl import "$store" /mnt/input 2>/dev/null
}

# The first of the keys that are not printed any more.
lost_key() {
  kvctl list "$store" --keys-only 2>/dev/null |
    awk 'BEGIN { n = 1000 } $1 != "key" n { print "key" n; exit } { n++ }' || true
}

# Under commands, each of which opens the store anew: under_commands short|long.
under_commands() {
  make_store under-commands
  local error="$first: the device can't read offset 131072" key
  python3 "$poison" "$first" 131072
  key=$(lost_key)
  expect 74 "$error" kvctl get "$store" "$key"
  expect 0 "$value" kvctl get "$store" key1000
  expect 0 "$value" kvctl get "$store" key1900
  [[ $1 == long ]] || return 0
  expect 74 "$error" kvctl list "$store" --keys-only
  expect 74 "$error.*what is sound, 98[0-9] entries, is in" kvctl export "$store" /mnt/exported
  expect 74 "$error" kvctl index "$store" /mnt/index.sqlite
  expect 65 "$error" kvctl verify "$store"
  expect 0 'damaged places: +[1-9]' kvctl stat "$store"
  expect 74 "$error" kvctl put "$store" key1000 other
  expect 0 "$value" kvctl get "$store" key1000
}

# Under a handle that has read the page before it failed.
under_reader() {
  make_store under-reader
  local error="error: $first: the device can't read offset 131072"
  hold read "$store"
  ask 'scan' '^1000 entries$'
  ask 'get key1500' '^200 bytes$'
  python3 "$poison" "$first" 131072
  ask 'get key1000' '^200 bytes$'
  ask 'scan' "^98[0-9] entries, $error"
  ask 'scan-in-order' "^[0-9]+ entries, $error"
  ask "get $(lost_key)" "^$error"
  ask 'get key1000' '^200 bytes$'
  ask 'get key1900' '^200 bytes$'
  ask 'get none' '^nothing$'
  ask 'close' '^closed$'
  release
}

# Under a handle that writes: it stops where it comes upon a bad page, in what was written or in what it
# writes next, and goes on reading. Another one is refused until the store is repaired.
under_writer() {
  local error
  make_store under-writer
  error="error: $first: the device can't read offset"
  hold write "$store"
  python3 "$poison" "$first" 131072
  ask "get $(lost_key)" "^$error 131072"
  ask 'get key1000' '^200 bytes$'
  ask 'durable key1000 new' "^$error 131072"
  ask 'durable key1000 new' '^error: an earlier write failed'
  ask 'get key1000' '^200 bytes$'
  release
  expect 74 "$first: the device can't read offset 131072" kvctl put "$store" key1000 other
  expect 0 "$value" kvctl get "$store" key1000
}

# The pages that the next records go to.
under_appends() {
  make_store under-appends
  hold write "$store"
  ask 'durable more value' '^power failure$'
  # shellcheck disable=SC2046 # one word each
  python3 "$poison" "$first" $(seq 237568 4096 $(($(stat -c %s "$first") - 1)))
  ask 'durable lost value' "^error: $first: the device can't read offset"
  ask 'durable lost value' '^error: an earlier write failed'
  ask 'sync' '^error: an earlier write failed'
  ask 'get key1000' '^200 bytes$'
  release
  # It was not closed, so the pages may have held a newer value of any key.
  expect 74 "$first: the device can't read offset" kvctl get "$store" key1000
  expect 65 "$first: the device can't read offset" kvctl verify "$store"
}

# Under an index image and what was changed behind it: the journal has it all.
under_image() {
  local state file
  : >/mnt/output
  dax-vm-guest write /mnt/dax/imaged '' 0 /mnt/output 300
  state=$(tail -n 1 /mnt/output)
  [[ -e /mnt/dax/imaged/index.image ]] || wrong "there is no image"
  hold read /mnt/dax/imaged
  ask 'get key/0' '^16 bytes$'
  for file in /mnt/dax/imaged/index*; do
    # shellcheck disable=SC2046 # one word each
    python3 "$poison" "$file" $(seq 0 4096 $(($(stat -c %s "$file") - 1)))
  done
  ask 'get key/0' '^16 bytes$'
  ask 'get none' '^nothing$'
  ask 'scan' '^[0-9]+ entries$'
  release
  expect 0 "^state $state$" dax-vm-guest check /mnt/dax/imaged 1:1 "$state"
  expect 0 '' kvctl get /mnt/dax/imaged key/0
  expect 0 '' kvctl export /mnt/dax/imaged /mnt/exported
  expect 0 '' kvctl put /mnt/dax/imaged key/0 data
  expect 0 '^data$' kvctl get /mnt/dax/imaged key/0
}
