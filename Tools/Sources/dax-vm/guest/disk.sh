# shellcheck shell=bash
# A store on a disk behind the device mapper, which fails as it is told to; behind library.sh, expect.sh.
# The disk is /dev/vda, its file system is mounted on /mnt/disk.

store=/mnt/disk/store

# mapped TABLE-BEHIND-THE-RANGE: makes /dev/mapper/disk, or changes what it does from now on.
mapped() {
  local table
  table="0 $(blockdev --getsz /dev/vda) $1"
  if [[ -e /dev/mapper/disk ]]; then
    # What is under way ends as it began.
    dmsetup suspend --noflush --nolockfs disk
    dmsetup load disk --table "$table"
    dmsetup resume --noudevsync disk
  else
    dmsetup create --noudevsync disk --table "$table"
    dmsetup mknodes
  fi
}

sound() { mapped 'flakey /dev/vda 0 3600 0'; }

# Waits until the writer has told of more than $1 transactions.
wait_for_acknowledged() {
  local seconds=0
  until [[ $(wc -l <"$output") -gt $1 ]]; do
    kill -0 "$writer" 2>/dev/null || wrong "the writer ended: $(</mnt/errors)"
    sleep 0.2
    seconds=$((seconds + 1))
    [[ $seconds -lt 600 ]] || wrong "the writer is too slow"
  done
}

# The last number that was told; the last line may be half written.
acknowledged() { tail -n 2 "$output" | head -n 1 | sed 's/state //'; }

# Returns when some transactions are durable.
start_writer() {
  output=/mnt/output
  : >"$output"
  mkdir -p /mnt/disk
  sound
  mount /dev/mapper/disk /mnt/disk
  dax-vm-guest write "$store" '' 0 "$output" >/mnt/errors 2>&1 &
  writer=$!
  wait_for_acknowledged 40
}

# After a mount that replays the journal: what the store shows, and whether the file system is in order.
judge() {
  umount /mnt/disk
  sound
  mount /dev/mapper/disk /mnt/disk
  expect 0 '^state ' dax-vm-guest check "$store" 1:1 "$1"
  expect 0 sound kvctl verify "$store"
  expect 0 '' kvctl put "$store" key/0 more
  umount /mnt/disk
  expect 0 '' check_file_system "$2" /dev/vda
}

# Writes fail: the writer gets an error, and its handle refuses everything from then on. errors TYPE.
write_errors() {
  local status=0
  start_writer
  mapped 'flakey /dev/vda 0 0 3600 1 error_writes'
  wait "$writer" || status=$?
  [[ $status == 74 ]] || wrong "status $status of a writer whose disk fails: $(</mnt/errors)"
  [[ $(</mnt/errors) =~ $store.*'; then: an earlier write failed' ]] || wrong "$(</mnt/errors)"
  checks=$((checks + 1))
  judge "$(acknowledged)" "$1"
}

# Writes are lost, though the disk says that they are done: what was acknowledged before that stays.
lost_writes() {
  local before
  start_writer
  before=$(acknowledged)
  mapped 'flakey /dev/vda 0 0 3600 1 drop_writes'
  wait_for_acknowledged $(($(wc -l <"$output") + 20))
  kill -KILL "$writer"
  wait "$writer" 2>/dev/null || true
  judge "$before" "$1"
}

# Writes with a log of every write to the disk; the log gets a mark for what is acknowledged.
logged() {
  local line next
  mkdir -p /mnt/disk
  mapped 'log-writes /dev/vda /dev/vdb'
  mount /dev/mapper/disk /mnt/disk
  mkfifo /mnt/told
  dax-vm-guest write "$store" '' 0 /mnt/told "$1" &
  writer=$!
  while read -r line; do
    # Marks may come late, not early: one for those that have come meanwhile is enough.
    while read -r -t 0.001 next; do line=$next; done
    dmsetup message disk 0 mark "${line#state }"
  done </mnt/told
  wait "$writer"
  umount /mnt/disk
  dmsetup remove --noudevsync disk
  sync
  checks=$((checks + 1))
}
