# shellcheck shell=bash
# A machine with persistent memory beside what only looks like it; behind library.sh, expect.sh, media.sh.

# device DRIVER [RO]: name of the block device that a driver gave, of those with this read-only flag.
device() {
  local block
  for block in /sys/block/pmem*; do
    if [[ $(readlink -f "$block/device/driver" "$block/device/../driver" 2>/dev/null) == *"$1"* ||
      $(readlink -f "$block") == *"$1"* ]] && [[ -z ${2-} || $(<"$block/ro") == "$2" ]]; then
      basename "$block"
      return
    fi
  done
  wrong "no memory device of $1: $(for block in /sys/block/pmem*; do readlink -f "$block"; cat "$block/ro"; done)"
}

mkdir -p /mnt/dax /mnt/tmpfs /mnt/virtio /mnt/unarmed /mnt/plain
armed=$(device LNXSYSTM 0) unarmed=$(device LNXSYSTM 1) virtio=$(device virtio)

mount -t ext4 -o dax "/dev/$armed" /mnt/dax
persistent /mnt/dax/store persistentMemory
umount /mnt/dax
# The same memory through the page cache is a disk.
mount -t ext4 "/dev/$armed" /mnt/plain
expect 0 'survives: power failure' dax-vm-guest require /mnt/plain/required
stat_says /mnt/plain/store file 'power failure' nothing

mount -t tmpfs tmpfs /mnt/tmpfs
not_persistent /mnt/tmpfs/store volatile 'process crash'

# A flush of this memory is a request to the host, which no instruction makes.
mkfs.ext4 -q -F -b 4096 "/dev/$virtio"
mount -t ext4 -o dax "/dev/$virtio" /mnt/virtio
expect 0 '' kvctl put /mnt/virtio/store key value
stat_says /mnt/virtio/store file 'power failure' nothing

mount -t ext4 -o ro,dax,noload "/dev/$unarmed" /mnt/unarmed
expect 0 '^value$' kvctl get /mnt/unarmed/store key
expect 77 'Read-only file system' kvctl put /mnt/unarmed/store key other
expect 77 'Read-only file system' kvctl put /mnt/unarmed/another key value
expect 0 sound kvctl verify /mnt/unarmed/store
report
