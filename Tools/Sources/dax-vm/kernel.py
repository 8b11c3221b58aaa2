"""What the guest boots: Debian's kernel, taken out of its package, and a small first file system."""

import lzma
import os
import re
import stat
import subprocess

import cpio

GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest")

# Loaded before the snapshot, and after it: what finds the emulated NVDIMM and disks, whose contents
# must not be remembered by a snapshot.
EARLY_MODULES = (
    "nd_btt nd_pmem dax_pmem crc32c_generic ext4 xfs virtio_pci virtio_console 9pnet_virtio 9p "
    "mce_inject hwpoison_inject dm_flakey dm_log_writes"
).split()
LATE_MODULES = ["nfit", "virtio_pmem", "virtio_blk"]


def guest_file(name):
    """The text of a script that runs in the guest."""
    with open(f"{GUEST}/{name}", encoding="utf-8") as file:
        return file.read()


def unpack(package, directory):
    """Takes the kernel and its modules out of a Debian package."""
    os.makedirs(directory, exist_ok=True)
    contents = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    wanted = ["./boot/vmlinuz-*"] + [
        f"./lib/modules/*/kernel/{part}/*"
        for part in "arch crypto drivers/acpi drivers/block drivers/char drivers/dax drivers/md "
        "drivers/nvdimm drivers/virtio fs lib mm net/9p".split()
    ]
    subprocess.run(
        ["tar", "-x", "-C", directory, "--wildcards", *wanted], stdin=contents.stdout, check=True
    )
    if contents.wait() != 0:
        raise OSError(f"{package} can't be unpacked")
    (image,) = [name for name in os.listdir(f"{directory}/boot") if name.startswith("vmlinuz-")]
    # An uncompressed kernel starts in half the time.
    with open(f"{directory}/boot/{image}", "rb") as file:
        data = file.read()
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    with open(f"{directory}/vmlinux", "wb") as file:
        file.write(decompressor.decompress(data[data.index(b"\xfd7zXZ\0") :]))


class Modules:
    """The kernel's modules, and what each needs before it."""

    def __init__(self, directory):
        self.paths = {}
        for parent, _, names in os.walk(directory):
            for name in names:
                if name.endswith(".ko"):
                    self.paths[name[:-3].replace("-", "_")] = os.path.join(parent, name)

    def data(self, name):
        with open(self.paths[name], "rb") as file:
            return file.read()

    def ordered(self, names, loaded):
        """The names and all that they need, without those in `loaded`, in an order that can be loaded."""
        for name in names:
            if name in loaded:
                continue
            # Every module says in its own file what it needs.
            needed = re.search(rb"\0depends=([^\0]*)\0", self.data(name))
            others = needed.group(1).decode().split(",") if needed and needed.group(1) else []
            yield from self.ordered([other.replace("-", "_") for other in others], loaded)
            loaded.append(name)
            yield name


def initial_file_system(kernel_directory, busybox):
    """The archive that holds the guest's first process, busybox and the modules."""
    modules = Modules(f"{kernel_directory}/lib/modules")
    loaded = []
    early = list(modules.ordered(EARLY_MODULES, loaded))
    late = list(modules.ordered(LATE_MODULES, loaded))
    directory, program, plain = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755, stat.S_IFREG | 0o644
    files = [(name, directory, b"") for name in ("bin", "dev", "modules")]
    # The kernel opens it for the first process before anything is mounted.
    with open(busybox, "rb") as file:
        files.append(("bin/busybox", program, file.read()))
    with open(f"{GUEST}/init", "rb") as file:
        files.append(("init", program, file.read()))
    files += [(f"modules/{name}.ko", plain, modules.data(name)) for name in loaded]
    for name, content in (("early", early), ("late", late)):
        files.append((f"modules/{name}", plain, "".join(f"{line}\n" for line in content).encode()))
    return cpio.archive(files)
