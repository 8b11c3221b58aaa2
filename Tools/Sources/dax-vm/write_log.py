"""The log of a disk's writes, as the kernel's dm-log-writes keeps it, and the disk at any of its moments.

The first sector says what the log is; then each entry takes a sector and, where it is a write, the sectors
that were written. All numbers are little-endian.

    first sector   magic (8 bytes), version (8), number of entries (8), bytes of a sector (4)
    entry          sector (8), count of sectors (8), flags (8), length of a mark (8), the mark itself

Writes stand there in the order in which they became certain: a write that was not forced appears only in
front of the flush that covered it. So every beginning of the log is what a loss of power could have left.
"""

import struct
from dataclasses import dataclass

MAGIC = 0x6A736677736872
FLUSH, FORCED, DISCARD, MARK = 1, 2, 4, 8


@dataclass
class Entry:
    """One write, or one mark."""

    sector: int
    count: int
    flags: int
    mark: bytes
    # Where in the log the written bytes are.
    position: int

    @property
    def is_ordering_point(self):
        """Whether everything before it is certain now."""
        return bool(self.flags & (FLUSH | FORCED | MARK))


class WriteLog:
    """A log in a file."""

    def __init__(self, path):
        self.file = open(path, "rb")
        magic, version, count, self.sector_bytes = struct.unpack("<QQQI", self.file.read(28))
        if magic != MAGIC or version != 1:
            raise ValueError(f"{path}: no log of writes")
        self.entries = []
        position = self.sector_bytes
        for _ in range(count):
            self.file.seek(position)
            sector, sectors, flags, length = struct.unpack("<QQQQ", self.file.read(32))
            mark = self.file.read(length) if flags & MARK else b""
            position += self.sector_bytes
            self.entries.append(Entry(sector, sectors, flags, mark.rstrip(b"\0"), position))
            if not flags & DISCARD:
                position += sectors * self.sector_bytes

    def apply(self, numbers, disk):
        """Does what the entries of a range of numbers did, to a disk in an open file."""
        for entry in self.entries[numbers.start : numbers.stop]:
            disk.seek(entry.sector * self.sector_bytes)
            length = entry.count * self.sector_bytes
            if entry.flags & DISCARD:
                disk.write(bytes(length))
            elif entry.count:
                self.file.seek(entry.position)
                disk.write(self.file.read(length))

    def close(self):
        self.file.close()
