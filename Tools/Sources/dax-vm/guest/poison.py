"""Makes pages of a file on persistent memory unreadable, as a failing module would: poison.py FILE OFFSET...

The processor reports an uncorrected error at the page's address: the device's list of bad blocks gets it, and
new mappings and reads meet it. Where the page is mapped already it has to be taken away as well, since no
emulated processor fails to read it. Neither can be undone; both go with the machine.
"""

import ctypes
import mmap
import os
import struct
import sys

DEBUG = "/sys/kernel/debug"


def page_frame(file, offset):
    """The number of the physical page that holds a byte of a file."""
    with mmap.mmap(file, mmap.PAGESIZE, mmap.MAP_SHARED, offset=offset & -mmap.PAGESIZE) as memory:
        memory[0] = memory[0]  # makes the page present
        buffer = (ctypes.c_char * mmap.PAGESIZE).from_buffer(memory)
        address = ctypes.addressof(buffer)
        del buffer
        with open("/proc/self/pagemap", "rb") as pages:
            pages.seek(address // mmap.PAGESIZE * 8)
            (entry,) = struct.unpack("Q", pages.read(8))
    if not entry >> 63:
        raise SystemExit("the page is not there")
    return entry & (1 << 55) - 1


def write(name, text):
    with open(f"{DEBUG}/{name}", "w") as file:
        file.write(text)


path = sys.argv[1]
descriptor = os.open(path, os.O_RDWR)
frames = [page_frame(descriptor, int(offset)) for offset in sys.argv[2:]]
os.close(descriptor)
for frame in frames:
    # Uncorrected, valid address and miscellany, a memory error; the address means a page.
    write("mce-inject/status", "0xbc0000000000009f")
    write("mce-inject/addr", hex(frame * mmap.PAGESIZE))
    write("mce-inject/misc", "0x8c")
    write("mce-inject/bank", "2")
    try:
        write("hwpoison/corrupt-pfn", hex(frame))
    except OSError:
        pass  # taken away already
