"""What is made once and kept: the kernel, the first file system, the snapshot, empty file systems.

Invariant: everything below the cache's directory can be removed at any time; what is found there was
completed, since it gets its name last. A name holds a digest of all that it was made from.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile

import kernel
from configuration import DISK_BYTES, NVDIMM_BYTES, Configuration, make_sparse
from machine import GuestError, Machine

FILE_SYSTEMS = ("ext4", "xfs")


class Cache:
    """The cache's directory, for machines whose working files lie in another."""

    def __init__(self, root, package):
        self.root = root
        self.package = package
        os.makedirs(root, exist_ok=True)

    @contextlib.contextmanager
    def _making(self, name):
        """Gives a path to make a file or directory at, or None where it is there already."""
        path = os.path.join(self.root, name)
        if os.path.exists(path):
            yield path, None
            return
        with open(os.path.join(self.root, "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.exists(path):
                yield path, None
                return
            unfinished = tempfile.mkdtemp(prefix="unfinished-", dir=self.root)
            try:
                made = os.path.join(unfinished, "made")
                yield path, made
                os.rename(made, path)
            finally:
                shutil.rmtree(unfinished)

    def kernel(self):
        """The directory of the unpacked kernel."""
        name = os.path.basename(self.package).removesuffix(".deb")
        with self._making(name) as (path, unfinished):
            if unfinished:
                kernel.unpack(self.package, unfinished)
        return path

    def initial_file_system(self):
        """The archive that the guest starts from."""
        directory = self.kernel()
        archive = kernel.initial_file_system(directory, shutil.which("busybox"))
        digest = hashlib.sha256(archive).hexdigest()[:16]
        with self._making(f"initial-{digest}") as (path, unfinished):
            if unfinished:
                with open(unfinished, "wb") as file:
                    file.write(archive)
        return path

    def configuration(self, work, **differences):
        """A machine whose NVDIMM and disks are files below `work`, empty where there are none."""
        files = {name: os.path.join(work, name) for name in ("nvdimm", "vda", "vdb")}
        for name, path in files.items():
            if not os.path.exists(path):
                make_sparse(path, NVDIMM_BYTES if name == "nvdimm" else DISK_BYTES)
        return Configuration(
            kernel=f"{self.kernel()}/vmlinux",
            initial_file_system=self.initial_file_system(),
            nvdimm=files["nvdimm"],
            disks=(files["vda"], files["vdb"]),
            **differences,
        )

    def snapshot(self):
        """The state of a machine that has started; a machine is resumed from it in a moment."""
        with tempfile.TemporaryDirectory(dir=self.root) as work:
            configuration = self.configuration(work)
            version = subprocess.run(
                ["qemu-system-x86_64", "--version"], capture_output=True, check=True
            ).stdout
            hardware = " ".join(configuration.arguments(dict.fromkeys(
                ("console", "commands", "acknowledgements", "monitor"), ""
            ))).replace(work, "")  # fmt: skip
            digest = hashlib.sha256(version + hardware.encode()).hexdigest()[:16]
            with self._making(f"snapshot-{digest}") as (path, unfinished):
                if unfinished:
                    with Machine(configuration, work) as machine:
                        machine.wait_until_ready()
                        machine.save(unfinished)
        return path

    def resume(self, work):
        """A machine that has just started, with the NVDIMM and the disks that lie below `work`."""
        return Machine(self.configuration(work), work, incoming=self.snapshot())

    def start(self, work, **differences):
        """A machine with other hardware, started from nothing."""
        machine = Machine(self.configuration(work, **differences), work)
        try:
            machine.wait_until_ready()
        except GuestError:
            machine.kill()
            raise
        return machine

    def nvdimm(self, file_system, path):
        """Puts a copy of an NVDIMM with an empty file system at `path`."""
        snapshot = self.snapshot()
        with self._making(f"nvdimm-{file_system}-{NVDIMM_BYTES >> 20}") as (made, unfinished):
            if unfinished:
                work = os.path.dirname(unfinished)
                with Machine(self.configuration(work), work, incoming=snapshot) as machine:
                    script = kernel.guest_file("library.sh") + f"make_nvdimm {file_system}\n"
                    status, output = machine.run(script)
                if status != 0:
                    raise GuestError(f"no {file_system} on the NVDIMM: {output}")
                os.rename(os.path.join(work, "nvdimm"), unfinished)
        self.copy(made, path)

    @staticmethod
    def copy(source, target):
        """Copies a file without filling its holes."""
        subprocess.run(["cp", "--sparse=always", "--", source, target], check=True)
