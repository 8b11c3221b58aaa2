"""Makes pages of a file on persistent memory unreadable, as a failing module would: poison.py FILE OFFSET...

The processor reports an uncorrected error at the page's address: the device's list of bad blocks gets it, and
new mappings and reads meet it. Where the page is mapped already the kernel has to take it away as well,
since no emulated processor fails to read it. It does so when the process that meets the error has the page
mapped: this one, which gets the signal for it. Neither can be undone; both go with the machine.
"""

import ctypes
import mmap
import os
import signal
import struct
import sys

DEBUG = "/sys/kernel/debug"


def page_frame(memory, offset):
    """The number of the physical page that holds a byte of a mapping."""
    buffer = (ctypes.c_char * len(memory)).from_buffer(memory)
    # A read makes the page present.
    address = ctypes.addressof(buffer) + offset + 0 * memory[offset]
    with open("/proc/self/pagemap", "rb") as pages:
        pages.seek(address // mmap.PAGESIZE * 8)
        (entry,) = struct.unpack("Q", pages.read(8))
    if not entry >> 63:
        raise SystemExit(f"the page at {offset} is not there")
    return entry & (1 << 55) - 1


def write(name, text):
    with open(f"{DEBUG}/{name}", "w", encoding="ascii") as file:
        file.write(text)


def is_persistent(frame):
    """Whether a page is one of persistent memory; holes of files show one of the kernel's, all zeros."""
    with open("/proc/iomem", encoding="ascii") as resources:
        for line in resources:
            if "Persistent Memory" in line:
                first, last = (int(part, 16) for part in line.split()[0].split("-"))
                if first <= frame * mmap.PAGESIZE <= last:
                    return True
    return False


def main():
    signal.signal(signal.SIGBUS, lambda *_: None)
    descriptor = os.open(sys.argv[1], os.O_RDWR)
    memory = mmap.mmap(descriptor, 0, mmap.MAP_SHARED)
    frames = [page_frame(memory, int(offset)) for offset in sys.argv[2:]]
    for frame in filter(is_persistent, frames):
        # Uncorrected, with a valid address and miscellany, a memory error; the address means a page.
        write("mce-inject/status", "0xbc0000000000009f")
        write("mce-inject/addr", hex(frame * mmap.PAGESIZE))
        write("mce-inject/misc", "0x8c")
        write("mce-inject/bank", "2")
        write("hwpoison/corrupt-pfn", hex(frame))


main()
