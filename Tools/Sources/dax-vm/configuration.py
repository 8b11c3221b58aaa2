"""The hardware of a virtual machine, as arguments of qemu, and the files behind its devices."""

import os
from dataclasses import dataclass, field

# Enough for xfs, which wants 300 MB. The files are sparse.
NVDIMM_BYTES = 512 << 20
DISK_BYTES = 512 << 20


@dataclass
class Configuration:
    """What a machine is made of. Those that are resumed have what the snapshot's machine had."""

    kernel: str
    initial_file_system: str
    # Files of the NVDIMM and of the disks /dev/vda (under test) and /dev/vdb (a log of its writes).
    nvdimm: str
    disks: tuple
    # "cpu" (caches persist), "mem-ctrl" (they don't), or nothing said, as on old machines.
    persistence: str = ""
    # Files of further devices, by kind: "unarmed" (an NVDIMM that can't be written), "virtio-pmem".
    extra: dict = field(default_factory=dict)

    def arguments(self, sockets):
        machine = "q35,nvdimm=on"
        if self.persistence:
            machine += f",nvdimm-persistence={self.persistence}"
        arguments = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-accel", "tcg,thread=multi",
            # The kernel handles injected memory errors as on a machine of Intel's.
            "-cpu", "max,vendor=GenuineIntel", "-machine", machine, "-smp", "1",
            "-m", "512M,slots=4,maxmem=8G",
            "-kernel", self.kernel, "-initrd", self.initial_file_system,
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
            "-display", "none", "-net", "none", "-no-reboot",
            "-virtfs",
            "local,id=host,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap",
        ]  # fmt: skip
        arguments += self._nvdimm("nvdimm", self.nvdimm)
        for number, path in enumerate(self.disks):
            arguments += [
                "-drive", f"file={path},if=none,id=disk{number},format=raw,cache=writeback",
                "-device", f"virtio-blk-pci,drive=disk{number}",
            ]  # fmt: skip
        if path := self.extra.get("unarmed"):
            arguments += self._nvdimm("unarmed", path, ",unarmed=on", ",readonly=on")
        if path := self.extra.get("virtio-pmem"):
            arguments += [
                "-object", f"memory-backend-file,id=virtio,share=on,mem-path={path},size={NVDIMM_BYTES}",
                "-device", "virtio-pmem-pci,memdev=virtio",
            ]  # fmt: skip
        for name in ("console", "commands", "acknowledgements", "monitor"):
            arguments += ["-chardev", f"socket,id={name},path={sockets[name]},server=on,wait=off"]
        arguments += [
            "-serial", "chardev:console", "-serial", "chardev:commands",
            "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=acknowledgements,name=acknowledgements",
            "-mon", "chardev=monitor,mode=control",
        ]  # fmt: skip
        return arguments

    @staticmethod
    def _nvdimm(name, path, device="", backend=""):
        return [
            "-object",
            f"memory-backend-file,id={name},share=on,mem-path={path},size={NVDIMM_BYTES}{backend}",
            "-device", f"nvdimm,id={name}-device,memdev={name}{device}",
        ]  # fmt: skip


def make_sparse(path, length):
    """An empty file that takes no space yet."""
    with open(path, "wb") as file:
        os.truncate(file.fileno(), length)
