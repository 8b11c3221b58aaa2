# shellcheck shell=bash
# What the scripts that run in the guest share; put before each of them. Sourced, never run.
# The root is the host's, for reading; /mnt, /run and /dev/shm are the guest's own, in its memory.
set -euo pipefail

# Makes a namespace of the NVDIMM that can be mapped, and a file system on it.
make_nvdimm() {
  ndctl create-namespace -f -e namespace0.0 -m fsdax -M mem
  case $1 in
    ext4) mkfs.ext4 -q -F -b 4096 /dev/pmem0 ;;
    # Shared blocks can't be mapped directly before Linux 6.2.
    xfs) mkfs.xfs -q -f -m reflink=0 /dev/pmem0 ;;
  esac
  sync
}

# Mounts the NVDIMM with DAX: mount_dax FILE-SYSTEM DIRECTORY.
mount_dax() {
  local option=dax
  [[ $1 == ext4 ]] || option=dax=always
  mkdir -p "$2"
  mount -t "$1" -o "$option" /dev/pmem0 "$2"
}

# Gives the machine's lines to the host their names, which a device manager would do.
name_ports() {
  local port
  mkdir -p /dev/virtio-ports
  for port in /sys/class/virtio-ports/*; do
    ln -sf "../$(basename "$port")" "/dev/virtio-ports/$(<"$port/name")"
  done
}

# Resets the machine as soon as the host says so, whatever else goes on: no file system is told.
reset_when_asked() {
  (
    read -r _ </dev/ttyS1
    echo b >/proc/sysrq-trigger
  ) &
}

# Finds what a mount leaves of a file system in order, without changing it: check_file_system TYPE DEVICE.
check_file_system() {
  case $1 in
    ext4) e2fsck -fn "$2" ;;
    xfs) xfs_repair -n "$2" ;;
  esac
}
