"""Archives in the form that the kernel unpacks as its first file system ("newc")."""

import io


def archive(files):
    """Files, as (name, mode, bytes), in a new archive; directories come before what is in them."""
    out = io.BytesIO()

    def member(number, name, mode, data):
        encoded = name.encode() + b"\0"
        # Inode, mode, owner, group, links, time, size, device and special device (major, minor), length
        # of the name, checksum.
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        out.write(b"070701" + b"".join(b"%08X" % field for field in fields))
        for part in (encoded, data):
            out.write(part)
            out.write(b"\0" * (-out.tell() % 4))

    for number, (name, mode, data) in enumerate(files, 1):
        member(number, name, mode, data)
    member(0, "TRAILER!!!", 0, b"")
    return out.getvalue()
