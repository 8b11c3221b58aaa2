"""Which memory passes for persistent, on machines of several kinds."""

from cache import FILE_SYSTEMS
from configuration import NVDIMM_BYTES, make_sparse


def check_file_systems(bench):
    """Real persistent memory is found by trying, with nothing forced."""
    for file_system in FILE_SYSTEMS:
        with bench.directory() as work:
            bench.cache.nvdimm(file_system, f"{work}/nvdimm")
            with bench.cache.resume(work) as machine:
                output = bench.run(
                    machine,
                    f"mount_dax {file_system} /mnt/dax",
                    "grep -q ' /mnt/dax .*dax' /proc/mounts",
                    "persistent /mnt/dax/store persistentMemory",
                    "report",
                    files=["expect.sh", "media.sh"],
                )
        answers = output.split()[-1]
        bench.say(f"media: {file_system} with DAX is persistentMemory, not forced; {answers} answers")


def check_machines(bench):
    """Machines whose caches persist, and memory that is not what it seems."""
    with bench.directory() as work:
        bench.cache.nvdimm("ext4", f"{work}/nvdimm")
        with bench.cache.start(work, persistence="cpu") as machine:
            output = bench.run(
                machine,
                "mount_dax ext4 /mnt/dax",
                "persistent /mnt/dax/store persistentMemoryWithFlushOnFailure",
                "report",
                files=["expect.sh", "media.sh"],
            )
        answers = output.split()[-1]
        bench.say(f"machines: caches that persist are told by stat (eADR); {answers} answers")
    with bench.directory() as work:
        bench.cache.nvdimm("ext4", f"{work}/nvdimm")
        # A store that can't be written lies on the NVDIMM that is "not armed": a save would fail there.
        with bench.cache.resume(work) as machine:
            bench.run(
                machine,
                "mount_dax ext4 /mnt/dax",
                "kvctl put /mnt/dax/store key value",
                "umount /mnt/dax; sync",
            )
        bench.cache.copy(f"{work}/nvdimm", f"{work}/unarmed")
        make_sparse(f"{work}/virtio", NVDIMM_BYTES)
        extra = {"unarmed": f"{work}/unarmed", "virtio-pmem": f"{work}/virtio"}
        with bench.cache.start(work, persistence="mem-ctrl", extra=extra) as machine:
            files = ["expect.sh", "media.sh", "kinds.sh"]
            output = bench.run(machine, files=files, seconds=240)
        bench.say(
            "machines: caches that don't persist are told by stat; tmpfs is refused where power failure "
            "is required; ext4 without DAX and virtio-pmem are files; unarmed memory is read, not "
            f"written; {output.split()[-1]} answers"
        )
