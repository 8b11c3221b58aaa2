# shellcheck shell=bash
# Pages that can't be read any more, under programs that open the store and under handles that are open;
# behind library.sh and expect.sh. $poison is the path of poison.py.

store=/mnt/dax/errors
first=$store/00000001.segment
value=$(printf '%0200d' 0)

# A store of a thousand keys, key1000 to key1999, in two segments; the page at offset 131072 of the first
# lies in the middle of them. It is closed in order.
make_store() {
  local number
  rm -rf "$store"
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
  local error="$first: the device can't read offset 131072" key
  make_store
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
  local error="error: $first: the device can't read offset 131072"
  make_store
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

# Under a handle that writes: what was written goes bad, then the page that is written next.
under_writer() {
  local error="the device can't" newest
  make_store
  hold write "$store"
  python3 "$poison" "$first" 131072
  ask "get $(lost_key)" "^error: $first: $error read offset 131072"
  ask 'durable key1000 new' '^power failure$'
  ask 'get key1000' '^3 bytes$'
  ask 'compact' "^error: $first: $error read offset 131072"
  ask 'durable another value' '^power failure$'
  # The page that the next record goes to, and those behind it.
  newest=$(find "$store" -name '*.segment' | sort | tail -n 1)
  # shellcheck disable=SC2046 # one word each
  python3 "$poison" "$newest" $(seq 4096 4096 $(($(stat -c %s "$newest") - 1)))
  ask 'durable lost value' '^error: '
  ask 'durable lost value' '^error: an earlier write failed'
  ask 'sync' '^error: an earlier write failed'
  release
}

# Under an index image and what was changed behind it: the journal has it all. $image_store was written by
# dax-vm-guest and holds the state behind $1.
under_image() {
  local files file
  files=$(find /mnt/dax/imaged -name 'index*')
  [[ $files == *index.image* ]] || wrong "there is no image: $(ls /mnt/dax/imaged)"
  hold read /mnt/dax/imaged
  ask 'get key/0' '^16 bytes$'
  for file in $files; do
    # shellcheck disable=SC2046
    python3 "$poison" "$file" $(seq 0 4096 $(($(stat -c %s "$file") - 1)))
  done
  ask 'get key/0' '^16 bytes$'
  ask 'get none' '^nothing$'
  ask 'scan' '^[0-9]+ entries$'
  release
  expect 0 '' kvctl get /mnt/dax/imaged key/0
  expect 0 'entries' kvctl export /mnt/dax/imaged /mnt/exported
  expect 0 '' kvctl put /mnt/dax/imaged more data
  expect 0 '^data$' kvctl get /mnt/dax/imaged more
}
